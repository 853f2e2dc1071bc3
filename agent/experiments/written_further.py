"""What the model writes behind a function word, up to the word that carries the meaning."""

from agent.core import is_mark, joined
from tracer import Pen, Study, is_content, is_telling, write_on

FURTHER = 6  # tokens that are written


def first_words_from(study: Study, answer: int) -> str:
    """The answer and what is written behind it, as far as the first word that means something.

    "a British" for a text that goes on with "a"; "" where the answer itself means something or is no word,
    or no such word comes soon.
    """
    subject = study.subject
    first = subject.token_texts([answer])[0]
    if is_telling(first) or not first.strip().isalpha():
        return ""
    ids, out, found = study.frozen.whole_ids, [first], False
    behind = ids.new_tensor([*ids.tolist(), answer])
    for token in write_on(subject, behind, Pen(tokens=FURTHER)):
        if token.ends or is_mark(token.text) or "\n" in token.text:
            break
        if found and not token.text[:1].isalpha():
            break
        out.append(token.text)
        found = found or is_content(token.text)
    return joined(out).strip() if found else ""
