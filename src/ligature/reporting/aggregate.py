"""Result rows put together: seeds into mean and deviation, chance beside the model, one task of many."""

import pandas as pd

CHANCE = "chance"
KEYS = ["task", "variant", "dataset", "split", "model", "protocol", "metric"]
MEASURE = ["task", "variant", "dataset", "split", "metric"]
MAIN_TASKS = ("classification", "retrieval")


def over_seeds(results: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a measurement: mean as ``value``, sample deviation as ``sd`` (NaN for one seed), ``seeds``."""
    groups = with_variants(results).groupby(KEYS, sort=False, dropna=False)
    table = groups.agg(value=("value", "mean"), sd=("value", "std"), seeds=("value", "size"), n=("n", "max"))
    return table.reset_index()


def with_chance(results: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of ``over_seeds`` that are not chance, with the level of chance as ``chance``."""
    table = over_seeds(results)
    is_chance = table["model"] == CHANCE
    chance = table[is_chance].groupby(MEASURE, sort=False)["value"].mean().rename("chance").reset_index()
    return table[~is_chance].merge(chance, on=MEASURE, how="left")


def with_variants(results: pd.DataFrame) -> pd.DataFrame:
    """Returns result rows with ``variant`` as text, empty where the rows are older than variants or have none."""
    variants = results["variant"].fillna("").astype(str) if "variant" in results else ""
    return results.assign(variant=variants)


def main_rows(results: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of classification and retrieval that answer the main question of a data set."""
    rows = with_variants(results)
    return rows[rows["task"].isin(MAIN_TASKS) & (rows["variant"] == "")]


def task_rows(results: pd.DataFrame, task: str) -> pd.DataFrame:
    """Returns the rows of one task."""
    return results[results["task"] == task]
