"""Hooks of one thread are no other's: a lens may be fitted while a question is asked."""

import threading

import torch
from tests_support import tiny_subject

from tracer.attribution.frozen_forward import freeze
from tracer.models import hook_after, hook_before, part


def test_a_hook_is_seen_by_the_thread_alone_that_set_it(tiny):
    subject = tiny_subject(tiny, "llama")
    down = part(subject.blocks[0], subject.family.down)
    ids = torch.tensor([[1, 2, 3]])

    def run():
        with torch.no_grad():
            return subject.model(ids).logits

    clean, elsewhere = run(), []
    handles = [
        hook_before(down, lambda _m, args: (0 * args[0],)),
        hook_after(down, lambda _m, _a, out: out + 1),
    ]
    other = threading.Thread(target=lambda: elsewhere.append(run()))
    other.start()
    other.join()
    here = run()
    for handle in handles:
        handle.remove()
    assert torch.equal(elsewhere[0], clean)
    assert not torch.allclose(here, clean)
    assert torch.equal(run(), clean)


def test_two_threads_freeze_texts_of_the_same_model_at_once(tiny):
    subject = tiny_subject(tiny, "gemma3")
    texts = [torch.arange(1, length) for length in (5, 9, 17)]
    alone = [freeze(subject, ids).layers[-1].acts for ids in texts]
    wrong = []

    def freeze_often(number):
        try:
            for _ in range(30):
                acts = freeze(subject, texts[number]).layers[-1].acts
                if not torch.equal(acts, alone[number]):
                    wrong.append(number)
        except Exception as exc:  # a thread's error is seen by nobody
            wrong.append(exc)

    threads = [threading.Thread(target=freeze_often, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
