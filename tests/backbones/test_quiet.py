"""What transformers says while networks are loaded stays off the terminal, whoever else loads one."""

import logging as python_logging
import warnings

import pytest

from headstart.backbones.encoder import quiet


def test_what_was_set_before_comes_back_when_the_last_of_several_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled(), list(warnings.filters)
    logger = python_logging.getLogger("transformers.modeling_utils")
    first, second = quiet(), quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # as where two threads load at once and the first one is done before the other
    logger.warning("LOAD REPORT")
    warnings.warn("an old name", FutureWarning, stacklevel=1)
    assert not logging.is_progress_bar_enabled()
    second.__exit__(None, None, None)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled(), list(warnings.filters)) == before
    assert "LOAD REPORT" not in "".join(capfd.readouterr())
