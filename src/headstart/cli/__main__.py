"""`python -m headstart.cli`, and the `headstart` command: Ctrl-C while it is being imported ends it without a traceback."""

import signal

_USUAL = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _USUAL:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from headstart.cli.main import main  # noqa: E402

if _USUAL:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if __name__ == "__main__":
    main()
