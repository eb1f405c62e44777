"""Caption metrics: CIDEr-D, BLEU and ROUGE-L in numpy; METEOR, SPICE and the PTB tokenizer by Java."""

from ligature.evaluation.captions.ptb import ptb_words
from ligature.evaluation.captions.scores import CaptionScorer, caption_scores, per_image_cider
from ligature.evaluation.captions.words import plain_words

__all__ = ["CaptionScorer", "caption_scores", "per_image_cider", "plain_words", "ptb_words"]
