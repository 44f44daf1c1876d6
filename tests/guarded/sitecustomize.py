"""Read by every Python that a test starts: it is watched as the test itself is."""

import os
import sys

if "HEADSTART_TEST_NOTES" in os.environ:
    import guard

    sys.modules["tests.guarded.guard"] = guard  # the one that watches is the one that tests know
    guard.install(os.environ["HEADSTART_TEST_NOTES"])
