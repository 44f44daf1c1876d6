"""Predictors: trained things that turn texts into logits, and how each kind is kept in a folder."""

from headstart.registry import Registry

PREDICTORS = Registry(
    "predictor",
    {
        "transformers": "headstart.predictors.stored:StoredPredictor",
        "bi-encoder": "headstart.predictors.twins:TwinPredictor",
        "crf": "headstart.predictors.chain:ChainPredictor",
        "bm25": "headstart.predictors.bm25:Bm25Predictor",
        "dense": "headstart.predictors.dense:DensePredictor",
        "word-overlap": "headstart.predictors.word_overlap:WordOverlapPredictor",
        "hybrid": "headstart.predictors.hybrid:HybridPredictor",
        "copy": "headstart.predictors.plain_texts:CopyPredictor",
        "lexicon": "headstart.predictors.plain_texts:LexiconPredictor",
        "nearest-sentence": "headstart.predictors.plain_texts:NearestPredictor",
        "causal-lm": "headstart.predictors.causal:CausalPredictor",
        "seq2seq": "headstart.predictors.seq2seq:Seq2SeqPredictor",
        "prompted": "headstart.predictors.prompted:PromptedPredictor",
        "prompted-answers": "headstart.predictors.prompted_answers:PromptedAnswers",
        "prompted-spans": "headstart.predictors.prompted_spans:PromptedSpans",
        "rerank": "headstart.predictors.rerank:RerankPredictor",
        "entailment": "headstart.predictors.entailment:EntailmentPredictor",
        "zero-shot": "headstart.predictors.zero_shot:ZeroShotPredictor",
        "linear-text": "headstart.predictors.linear_text:LinearTextPredictor",
    },
    group="headstart.predictors",
)
