"""Result rows put together: seeds into mean and deviation, chance beside the model."""

import pandas as pd

CHANCE = "chance"
KEYS = ["task", "dataset", "split", "model", "protocol", "metric"]
MEASURE = ["task", "dataset", "split", "metric"]


def over_seeds(results: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a measurement: mean as ``value``, sample deviation as ``sd`` (NaN for one seed), ``seeds``."""
    groups = results.groupby(KEYS, sort=False, dropna=False)
    table = groups.agg(value=("value", "mean"), sd=("value", "std"), seeds=("value", "size"), n=("n", "max"))
    return table.reset_index()


def with_chance(results: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of ``over_seeds`` that are not chance, with the level of chance as ``chance``."""
    table = over_seeds(results)
    is_chance = table["model"] == CHANCE
    chance = table[is_chance].groupby(MEASURE, sort=False)["value"].mean().rename("chance").reset_index()
    return table[~is_chance].merge(chance, on=MEASURE, how="left")
