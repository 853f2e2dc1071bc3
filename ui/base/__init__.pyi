from .chat_messages import (
    escape_text as escape_text,
    escape_whole_text as escape_whole_text,
    isolate_quotes as isolate_quotes,
    mark_sentences as mark_sentences,
    with_waiting as with_waiting,
)
from .console import (
    BrainOption as BrainOption,
    ModelOption as ModelOption,
    Overwrite as Overwrite,
    Refused as Refused,
    TranscodersOption as TranscodersOption,
    answer_console as answer_console,
    can_reply as can_reply,
    check_folder as check_folder,
    check_new_file as check_new_file,
    check_no_answer as check_no_answer,
    check_some_text as check_some_text,
    check_text as check_text,
    load_workspace as load_workspace,
    named_path as named_path,
    print_json as print_json,
    progress_console as progress_console,
    settings_from_options as settings_from_options,
    stream_events as stream_events,
    told as told,
)
from .doctor import (
    check_model as check_model,
    estimate_trace_cost as estimate_trace_cost,
    find_version as find_version,
    run_checks as run_checks,
)
from .hidden_signs import (
    show_hidden as show_hidden,
)
from .lens_table import (
    lens_markdown as lens_markdown,
    lens_tables as lens_tables,
)
from .model_loading import (
    ModelLoader as ModelLoader,
    WaitCancelled as WaitCancelled,
    wrap_workspace as wrap_workspace,
)
from .terminal import (
    render_answer as render_answer,
    render_hits as render_hits,
    render_markdown as render_markdown,
    render_message as render_message,
    render_reading_line as render_reading_line,
    render_step as render_step,
)
from .written import (
    render_tokens as render_tokens,
    render_writing as render_writing,
)
