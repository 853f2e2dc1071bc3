from .activation_evidence import (
    gather_evidence as gather_evidence,
)
from .feature_files import (
    FeatureFiles as FeatureFiles,
    read_features as read_features,
    shipped_features as shipped_features,
    write_features as write_features,
    write_vectors as write_vectors,
)
from .feature_sets import (
    FeatureSet as FeatureSet,
    NeuronSet as NeuronSet,
    TranscoderSet as TranscoderSet,
)
from .label_scoring import (
    judge_words as judge_words,
    open_evidence as open_evidence,
)
from .pipeline import (
    Described as Described,
    FeatureLayer as FeatureLayer,
    describe_corpus as describe_corpus,
)
from .prose import (
    shipped_prose as shipped_prose,
)
from .token_classes import (
    GRAMMAR as GRAMMAR,
)
from .windows import (
    Document as Document,
    corpus_texts as corpus_texts,
    scrub as scrub,
)
