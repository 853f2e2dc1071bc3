from .export import (
    graph_file as graph_file,
)
from .formats import (
    FileNode as FileNode,
    GraphFile as GraphFile,
    parse_graph as parse_graph,
    read_graph_file as read_graph_file,
    with_error_ids as with_error_ids,
    write_graph_file as write_graph_file,
)
from .influence import (
    FilePath as FilePath,
    FileScores as FileScores,
    Flow as Flow,
    flow_of as flow_of,
)
