"""The door for Python: `askcircuit.why(text)` gives an answer with its tables and its circuit.

    import askcircuit

    answer = askcircuit.why("Texas, whose capital is", rather_than=" Houston")
    print(answer)                      # in a notebook, `answer` alone shows the words and the circuit
    answer.groups, answer.claims       # pandas tables
    print(answer.ask("what if you remove S2?"))

The names are in `__init__.pyi`; each is loaded when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
