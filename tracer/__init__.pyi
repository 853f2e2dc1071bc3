from .autointerp import (
    Described as Described,
    FeatureFiles as FeatureFiles,
    FeatureLayer as FeatureLayer,
    FeatureSet as FeatureSet,
    NeuronSet as NeuronSet,
    TranscoderSet as TranscoderSet,
    corpus_texts as corpus_texts,
    describe_corpus as describe_corpus,
    gather_evidence as gather_evidence,
    gathered_evidence as gathered_evidence,
    judge_words as judge_words,
    read_features as read_features,
    shipped_features as shipped_features,
    write_features as write_features,
    write_vectors as write_vectors,
)
from .cancellation import (
    listening as listening,
)
from .errors import (
    GraphError as GraphError,
    SubjectError as SubjectError,
    TextError as TextError,
    TracerError as TracerError,
    TranscodersError as TranscodersError,
    UnsupportedFamily as UnsupportedFamily,
)
from .feature_ids import (
    FEATURE_AT as FEATURE_AT,
    FeatureId as FeatureId,
    name_feature as name_feature,
    read_feature as read_feature,
)
from .graph_files import (
    FileNode as FileNode,
    FilePath as FilePath,
    FileScores as FileScores,
    Flow as Flow,
    GraphFile as GraphFile,
    flow_of as flow_of,
    graph_file as graph_file,
    parse_graph as parse_graph,
    read_graph_file as read_graph_file,
    with_error_ids as with_error_ids,
    write_graph_file as write_graph_file,
)
from .interventions import (
    FREE as FREE,
    Continuation as Continuation,
    FeatureEffect as FeatureEffect,
    Hold as Hold,
    Setting as Setting,
    change_of as change_of,
    continue_text as continue_text,
    set_features as set_features,
)
from .models import (
    EMBEDDED as EMBEDDED,
    Prediction as Prediction,
    Subject as Subject,
    Vocabulary as Vocabulary,
    give_back_memory as give_back_memory,
    load as load,
    name_of as name_of,
    quickest_dtype as quickest_dtype,
)
from .study import (
    Attempt as Attempt,
    Contrast as Contrast,
    Edge as Edge,
    Feature as Feature,
    Forecast as Forecast,
    Intervention as Intervention,
    Node as Node,
    Outcome as Outcome,
    SetSizes as SetSizes,
    Sizes as Sizes,
    Study as Study,
    Token as Token,
    TracedStudy as TracedStudy,
    attempt as attempt,
    coherence_of as coherence_of,
    parted as parted,
    set_sizes as set_sizes,
    sizes_of as sizes_of,
    speed as speed,
)
from .transcoders import (
    Roots as Roots,
    Transcoders as Transcoders,
    fitted as fitted,
    load_transcoders as load_transcoders,
    trace_transcoders as trace_transcoders,
)
from .concepts import Alternative as Alternative
from .concepts import Chain as Chain
from .concepts import ConceptNode as ConceptNode
from .concepts import Held as Held
from .concepts import Swap as Swap
from .concepts import SwapTest as SwapTest
from .concepts import TestedNode as TestedNode
from .concepts import AblationTest as AblationTest
from .concepts import Words as Words
from .concepts import ablate as ablate
from .concepts import ablation_controls as ablation_controls
from .concepts import contrast_direction as contrast_direction
from .concepts import find_alternatives as find_alternatives
from .concepts import find_concepts as find_concepts
from .concepts import find_partners as find_partners
from .concepts import follow as follow
from .concepts import measure as measure
from .concepts import measure_specificity as measure_specificity
from .concepts import nameable_words as nameable_words
from .concepts import reading_of as reading_of
from .concepts import same_kind as same_kind
from .concepts import swap_concepts as swap_concepts
from .concepts import try_ablation as try_ablation
from .concepts import usual_coordinates as usual_coordinates
from .concepts import stream_behind as stream_behind
from .concepts import forecast as forecast
from .concepts import find_carriers as find_carriers
from .concepts import find_writers as find_writers
from .concepts import explain_share as explain_share
from .concepts import push_controls as push_controls
from .concepts import DrawnControls as DrawnControls
from .concepts import Effect as Effect
from .concepts import Reading as Reading
from .concepts import try_copying as try_copying
from .concepts import try_sequence as try_sequence
from .concepts import try_agreement as try_agreement
from .concepts import try_slot as try_slot
from .concepts import try_default as try_default
from .concepts import try_rival as try_rival
from .concepts import judge_lookup as judge_lookup
from .lens import Lens as Lens
from .lens import LensError as LensError
from .lens import concept_of as concept_of
from .lens import lens_for as lens_for
from .lens import quick_lens as quick_lens
from .lens import streams as streams
from .lens import ranks as ranks
from .lens import fit_lens as fit_lens
from .lens import quick_fit as quick_fit
from .lens import kept_lens as kept_lens
from .lens import write_lens as write_lens
from .autointerp import Document as Document
from .attribution import Frozen as Frozen
