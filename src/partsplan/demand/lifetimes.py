"""Lifetime distributions of parts from censored lives, by maximum likelihood.

All parts and segments are fitted together (Meeker and Escobar, Statistical Methods for
Reliability Data, 1998, chapters 7, 8 and 11); intervals are likelihood-ratio intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from partsplan.demand.life_data import LifeData, read_lives
from partsplan.demand.lifetime_doubts import doubtful_fits, doubtful_lives
from partsplan.demand.lifetime_families import FAMILIES
from partsplan.demand.lifetime_fits import LifetimeFits, check_share
from partsplan.demand.maximum_likelihood import estimates


def fit_lifetimes(
    lives: Any,
    *,
    distribution: str = "weibull",
    failure_mode: str | Sequence[str] | None = None,
    by_segment: bool = True,
    level: float = 0.95,
    rename: Mapping[str, str] | None = None,
    extra_columns: Literal["error", "ignore"] = "error",
) -> LifetimeFits:
    r"""Fit a lifetime distribution to the lives of each part and segment.

    Parameters
    ----------
    lives : table
        ``failures`` as lives: ``part_id``, ``hours``, ``outcome`` (failed, censored, left,
        interval) and, where they apply, ``entry_hours``, ``hours_upper``, ``failure_mode``,
        ``segment``, ``weight``, ``unit_id``, ``date``; or ``network.failures``.
    distribution : {"weibull", "exponential", "lognormal", "weibull_never_fails"}
        The distribution; the last has a fraction of units that never fails.
    failure_mode : str or sequence of str, optional
        The mode (or modes) that count as failures: a life that ended by another one, such as a
        preventive swap, is censored there. By default every failure counts.
    by_segment : bool, default True
        Whether the segments of a part are fitted apart.
    level : float, default 0.95
        Confidence of intervals where none is asked for.
    rename, extra_columns
        As in ``ServiceNetwork.from_tables``: ``rename={"MATNR": "part_id"}`` maps own names.

    Returns
    -------
    LifetimeFits
        In order of first appearance.

    Raises
    ------
    InputError
        With every finding of the table.
    PartsplanError
        When the table holds counts, or no rows.
    ValueError
        When an option is outside its range.

    Notes
    -----
    A life contributes :math:`\log f(t)` failed, :math:`\log S(t)` censored,
    :math:`\log F(t)` left, :math:`\log(S(t_1) - S(t_2))` interval, and :math:`-\log S(t_0)` where
    it came under observation at :math:`t_0 > 0`, each times its weight. Weibull:
    :math:`S(t) = \exp(-(t / \text{scale})^{\text{shape}})`. Lognormal: :math:`\log t` is normal
    with mean ``mu`` and standard deviation ``sigma``. Errors are those of the observed information.

    References
    ----------
    Meeker and Escobar, Statistical Methods for Reliability Data, 1998. Burridge, A note on maximum
    likelihood estimation for regression models using grouped data, J. R. Stat. Soc. B 43, 1981.

    Examples
    --------
    >>> lives = {"part_id": ["FAN"] * 6, "hours": [410, 660, 900, 1200, 1200, 1200],
    ...          "outcome": ["failed"] * 3 + ["censored"] * 3}
    >>> fits = fit_lifetimes(lives)
    >>> [round(float(fits.parameter(name)[0]), 2) for name in ("shape", "scale")]
    [1.89, 1403.64]
    >>> [round(float(bound[0])) for bound in fits.quantile_interval(0.1)]
    [32, 908]
    """
    if distribution not in FAMILIES:
        raise ValueError(f"distribution must be one of {', '.join(FAMILIES)}, got {distribution!r}")
    check_share("level", level)
    table = read_lives(lives, rename=rename, extra_columns=extra_columns)
    data = LifeData.from_table(table, failure_mode=failure_mode, by_segment=by_segment)
    found = estimates(data, FAMILIES[distribution])
    warnings = (
        *doubtful_lives(table, data, failure_mode),
        *doubtful_fits(data, found.causes, FAMILIES[distribution].n_parameters),
    )
    return LifetimeFits(
        distribution=distribution,
        level=level,
        data=data,
        warnings=warnings,
        notes=found.causes,
        _estimates=found,
        _backend=table.checked.backend,
    )
