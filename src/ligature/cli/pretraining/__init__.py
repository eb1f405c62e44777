"""`ligature pretrain`, `gauge` and `pretraining`: encoders trained from scratch, and what is measured on them."""
