"""Strategies: ways of carrying knowledge over, and the controls they are measured against."""

from headstart.registry import Registry

STRATEGIES = Registry(
    "strategy",
    {
        "back-translation": "headstart.strategies.back_translation:BackTranslation",
        "bi-encoder": "headstart.strategies.bi_encoder:BiEncoder",
        "bm25": "headstart.strategies.bm25:Bm25Ranking",
        "contrastive": "headstart.strategies.contrastive:Contrastive",
        "copy-source": "headstart.strategies.plain_writing:CopySource",
        "coral": "headstart.strategies.coral:Coral",
        "crf": "headstart.strategies.crf:Crf",
        "distillation": "headstart.strategies.distillation:Distillation",
        "domain-adaptation": "headstart.strategies.domain_adaptation:DomainAdaptation",
        "feature-extraction": "headstart.strategies.feature_extraction:FeatureExtraction",
        "fine-tuning": "headstart.strategies.fine_tuning:FineTuning",
        "from-scratch": "headstart.strategies.from_scratch:FromScratch",
        "hybrid": "headstart.strategies.hybrid:Hybrid",
        "intermediate-task": "headstart.strategies.intermediate_task:IntermediateTask",
        "lexicon": "headstart.strategies.plain_writing:Lexicon",
        "lora": "headstart.strategies.lora:Lora",
        "margin-mse": "headstart.strategies.margin_mse:MarginDistillation",
        "multi-task": "headstart.strategies.multi_task:MultiTask",
        "nearest-sentence": "headstart.strategies.plain_writing:NearestSentence",
        "prompting": "headstart.strategies.prompting:Prompting",
        "rerank": "headstart.strategies.rerank:Rerank",
        "self-training": "headstart.strategies.self_training:SelfTraining",
        "tf-idf": "headstart.strategies.tf_idf:TfIdf",
        "untouched": "headstart.strategies.untouched:Untouched",
        "warm-start": "headstart.strategies.warm_start:WarmStart",
        "weight-averaging": "headstart.strategies.weight_averaging:WeightAveraging",
        "word-overlap": "headstart.strategies.word_overlap:WordOverlap",
        "zero-shot": "headstart.strategies.zero_shot:ZeroShot",
    },
    group="headstart.strategies",
)
