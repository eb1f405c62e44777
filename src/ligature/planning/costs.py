"""The cost of a job of every rule of the workflow; a new rule is added here."""

from collections.abc import Callable
from dataclasses import dataclass

from ligature.planning import captioning_costs, data_costs, model_costs, pretraining_costs
from ligature.planning.facts import Facts, UnknownFact
from ligature.planning.jobs import Job
from ligature.planning.work import Cost


@dataclass(frozen=True)
class RuleCost:
    """How jobs of a rule are told apart, and what one costs.

    Attributes:
        pattern: regular expression of one file of a job, whose groups are its wildcards.
        cost: gives the cost of a job.
    """

    pattern: str
    cost: Callable[[Facts, Job], Cost]


_CAPTIONED = r"/captioning/runs/(?P<captioner>.+)/pairs-(?P<pairs>\d+|all)/seed-(?P<seed>\d+)"

COSTS = {
    "world": RuleCost(r"/world\.json$", data_costs.world),
    "encoder": RuleCost(r"/encoders/(?P<encoder>[^/]+)/config\.json$", data_costs.encoder),
    "embed": RuleCost(
        r"/embeddings/(?P<group>[^/]+)/(?P<view>[^/]+)/(?P<encoder>[^/]+)/(?P<dataset>[^/]+)/part-(?P<part>\d+)/",
        data_costs.embed,
    ),
    "compare": RuleCost(r"/similarity\.csv$", model_costs.compare),
    "probe": RuleCost(r"/probes/(?P<vision>.+?)--[^/]+\.json$", model_costs.probe),
    "select": RuleCost(r"/chosen\.json$", model_costs.small),
    "train": RuleCost(r"/projector\.safetensors$", model_costs.train),
    "vary": RuleCost(r"/sweep/(?P<run>.+)/results\.csv$", model_costs.vary),
    "sweep": RuleCost(r"/sweep/results\.csv$", model_costs.small),
    "evaluate": RuleCost(r"/evaluation/results\.csv$", model_costs.evaluate),
    "segment": RuleCost(r"/segmentation/results\.csv$", model_costs.segment),
    "export": RuleCost(r"/model/README\.md$", model_costs.export),
    "match_experiment": RuleCost(r"/matching/(?P<experiment>[^/]+)/results\.csv$", model_costs.match_experiment),
    "matching": RuleCost(r"/matching/results\.csv$", model_costs.small),
    "pretrain": RuleCost(
        r"/pretraining/(?P<pretrained>.+)/seed-(?P<seed>\d+)/model/config\.json$", pretraining_costs.pretrain
    ),
    "gauge": RuleCost(r"/pretraining/(?P<pretrained>.+)/seed-(?P<seed>\d+)/results\.csv$", pretraining_costs.gauge),
    "pretraining": RuleCost(r"/pretraining/results\.csv$", model_costs.small),
    "language_model": RuleCost(
        r"/captioning/languages/(?P<language>[^/]+)/model/config\.json$", captioning_costs.language_model
    ),
    "connect": RuleCost(_CAPTIONED + r"/model/config\.json$", captioning_costs.connect),
    "appraise": RuleCost(_CAPTIONED + r"/results\.csv$", captioning_costs.appraise),
    "captioning": RuleCost(r"/captioning/results\.csv$", model_costs.small),
    "unpack": RuleCost(r"(?P<resource>[^/]+@[^/]+)/[^/]+$", data_costs.unpack),
    "fetch": RuleCost(r"/sources/(?P<source>[^/]+)/part-(?P<part>\d+)$", data_costs.fetch),
    "pool": RuleCost(r"/pool/(?P<source>[^/]+)/part-(?P<part>\d+)\.parquet$", data_costs.pool),
    "dedupe": RuleCost(r"/duplicates\.parquet$", data_costs.dedupe),
    "prototypes": RuleCost(r"/prototypes\.safetensors$", model_costs.prototypes),
    "score": RuleCost(r"/state-(?P<part>\d+)\.safetensors$", data_costs.score),
    "merge": RuleCost(r"/level-(?P<level>\d+)/state-(?P<part>\d+)\.safetensors$", data_costs.merge),
    "curate": RuleCost(r"/selected\.parquet$", data_costs.curate),
    "download": RuleCost(r"/download/(?P<set>[^/]+)/chunk-(?P<part>\d+)/", data_costs.download),
    "assemble": RuleCost(r"/kept\.parquet$", data_costs.assemble),
    "ablate": RuleCost(r"/ablation/(?P<mix>[^/]+)/results\.csv$", model_costs.ablate),
    "ablation": RuleCost(r"/ablation/results\.csv$", model_costs.small),
    "report": RuleCost(r"/index\.html$", model_costs.page),
}
"""By rule, in the order of the work."""


def cost_of(facts: Facts, job: Job) -> Cost:
    """Returns the cost of a job.

    Raises:
        UnknownFact: a size is not declared, or the plan does not know the rule.
    """
    if job.rule not in COSTS:
        raise UnknownFact(f"rule {job.rule}: the plan does not know it; add its cost to ligature.planning.costs")
    return COSTS[job.rule].cost(facts, job)
