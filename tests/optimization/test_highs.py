"""HiGHS prints nothing on the output of whoever imports us."""

import subprocess
import sys

import pytest

from partsplan.optimization.highs import silent_highs

MASTERS = {
    "made and run": "model = silent_highs()\nmodel.run()",
    "through PuLP": (
        "columns = Columns(np.zeros(2, int), np.zeros((2, 1), int), np.ones(2), np.ones((2, 1)))\n"
        "picked = IntegerMaster(columns, np.ones(1), np.ones(1)).solve('HiGHS', 5.0, 0.0, 0.0)\n"
        "assert len(picked) == 1"
    ),
    "of linear programmes": "RestrictedMaster(np.ones(1), 2, 1.0)",
}
IMPORTS = """
import numpy as np
from partsplan.optimization.columns import Columns
from partsplan.optimization.highs import silent_highs
from partsplan.optimization.master import IntegerMaster
from partsplan.optimization.restricted import RestrictedMaster
"""


@pytest.mark.parametrize("name", MASTERS)
def test_nothing_is_printed(name):
    """highspy 1.16 prints a banner, once a process, when a plain ``highspy.Highs()`` is made."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS + MASTERS[name]], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_options():
    assert silent_highs(mip_max_nodes=7).getOptionValue("mip_max_nodes")[1] == 7
    with pytest.raises(ValueError, match="HiGHS takes no option mip_max_nodes = -5"):
        silent_highs(mip_max_nodes=-5)
