from .exchange import (
    Naming as Naming,
    draw_trace as draw_trace,
    explain_foreign as explain_foreign,
    export_trace as export_trace,
    show_graph as show_graph,
    why_graph as why_graph,
)
from .file_drawing import (
    view_graph as view_graph,
)
from .neuronpedia import (
    Upload as Upload,
    upload_graph as upload_graph,
)
