"""Read by every Python that a test starts: it is watched as the test itself is."""

import os

if "HEADSTART_TEST_NOTES" in os.environ:
    import guard

    guard.install(os.environ["HEADSTART_TEST_NOTES"])
