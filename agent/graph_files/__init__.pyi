from .exchange import (
    GraphNaming as GraphNaming,
    draw_trace as draw_trace,
    explain_graph as explain_graph,
    explain_graph_file as explain_graph_file,
    export_trace as export_trace,
    show_graph as show_graph,
)
from .file_drawing import (
    view_graph as view_graph,
)
from .neuronpedia import (
    Upload as Upload,
    upload_graph as upload_graph,
)
