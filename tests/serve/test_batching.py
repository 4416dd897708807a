"""Requests that run together get the answers that each would get alone."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from amalthea.serve.batching import Batcher, Runner
from amalthea.serve.refusals import RequestError
from amalthea.serve.settings import Settings
from tests.serve import nets


def square(arrays):
    (x,) = arrays
    if (x < 0).any():
        raise ValueError("negative")
    return [x * x, x.sum(tuple(range(1, x.ndim)))]


def run(requests, max_batch=8, rows=None, is_by_row=True, **settings):
    """The outcomes of requests that are sent at once, and the rows of the batches that ran."""
    batches, sizes, started = [], [], threading.Event()

    def function(arrays):
        started.wait(10)
        sizes.append(len(arrays[0]))
        return square(arrays)

    async def ask_all():
        with ThreadPoolExecutor(1) as thread:
            runner = Runner(function, max_batch, rows, is_by_row, batches.append)
            batcher = Batcher(runner, Settings(max_batch=max_batch, **settings), thread)
            asked = [asyncio.create_task(batcher.answer([x])) for x in requests]
            await asyncio.sleep(0)
            started.set()
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert batcher.waiting == 0
            return found

    return asyncio.run(ask_all()), batches, sizes


def arrays(*rows, width=2):
    return [np.random.default_rng(i).random((n, width)).astype("float32") for i, n in enumerate(rows)]


@pytest.mark.parametrize("delay", (0.0, 5.0))
@pytest.mark.parametrize("max_batch", (1, 3, 8))
@pytest.mark.parametrize("rows", ([1], [1] * 20, [3, 1, 2, 1, 8, 1], [20, 1, 17], [8, 8], [5, 4]), ids=str)
def test_each_request_gets_its_own_rows(rows, max_batch, delay):
    requests = arrays(*rows)
    found, batches, sizes = run(requests, max_batch, max_delay_ms=delay)
    for one, outcome in zip(requests, found):
        for x, wanted in zip(outcome, square([one])):
            np.testing.assert_array_equal(x, wanted)
    assert sum(batches) == sum(rows) and max(sizes) <= max_batch


def test_requests_are_joined_and_padded_to_few_sizes():
    _, batches, sizes = run(arrays(*[1] * 13), max_batch=8)
    assert (batches, sizes) == ([8, 5], [8, 8])
    _, batches, sizes = run(arrays(3), max_batch=8)
    assert (batches, sizes) == ([3], [4])


def test_requests_of_other_shapes_and_dtypes_run_apart():
    requests = [*arrays(1, 1), *arrays(1, 1, width=3), arrays(1)[0].astype("float64")]
    found, batches, _ = run(requests)
    assert sorted(batches) == [1, 2, 2]
    assert [x[0].shape[1] for x in found] == [2, 2, 3, 3, 2]
    assert [x[0].dtype.name for x in found][-1] == "float64"


def test_a_bad_request_fails_by_itself():
    requests = arrays(1, 2, 1, 3)
    requests[1] = -requests[1]
    found, _, _ = run(requests)
    assert isinstance(found[1], ValueError)
    for i in (0, 2, 3):
        np.testing.assert_array_equal(found[i][0], requests[i] ** 2)


def test_a_function_of_one_size_is_always_given_it():
    requests = arrays(1, 6, 2)
    found, _, sizes = run(requests, max_batch=64, rows=4)
    assert set(sizes) == {4}
    assert [len(x[0]) for x in found] == [1, 6, 2]


def test_outputs_without_rows_keep_requests_apart():
    _, batches, sizes = run(arrays(3, 2), is_by_row=False)
    assert (batches, sizes) == ([3, 2], [3, 2])


def test_a_full_queue_refuses():
    found, _, _ = run(arrays(*[1] * 10), queue=4)
    refused = [x for x in found if isinstance(x, RequestError)]
    assert len(refused) == 6 and {x.status for x in refused} == {429}
    assert all(len(x) == 2 for x in found[:4])


def test_a_client_that_left_does_not_hold_up_others():
    async def ask():
        go, widths = threading.Event(), []

        def function(arrays):
            widths.append(arrays[0].shape[1])
            go.wait(10)
            return square(arrays)

        with ThreadPoolExecutor(1) as thread:
            batcher = Batcher(Runner(function, 8), Settings(), thread)
            asked = [asyncio.create_task(batcher.answer([x])) for x in arrays(1, 1, width=2) + arrays(1, width=3)]
            await asyncio.sleep(0.01)
            asked[0].cancel()  # it runs
            asked[2].cancel()  # it waits
            await asyncio.sleep(0)
            go.set()
            assert len(await asked[1]) == 2
            last = await batcher.answer(arrays(1)[:1])
            assert len(last) == 2 and batcher.waiting == 0
            assert 3 not in widths  # nobody waited for it any more

    asyncio.run(ask())


@pytest.mark.parametrize("name", nets.NETS)
def test_concurrent_requests_are_answered_as_one_by_one(client, name):
    bodies = [
        {"inputs": {key: x.tolist() for key, x in nets.inputs(name, 1 + seed % 5, seed).items()}} for seed in range(24)
    ]
    path = f"/v1/models/{name}:predict"
    alone = [client.post(path, json=body).json()["outputs"] for body in bodies]
    bad = {"inputs": {key: [] for key in nets.inputs(name, 1)}}
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda body: client.post(path, json=body), [x for b in bodies for x in (b, bad)]))
    assert {answer.status_code for answer in together[1::2]} == {400}
    for answer, wanted in zip(together[::2], alone):
        found = answer.json()["outputs"]
        for key in wanted if isinstance(wanted, dict) else [...]:
            x, y = (found, wanted) if key is ... else (found[key], wanted[key])
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    ({"max_batch": 0}, {"queue": -1}, {"max_body": 0}, {"max_delay_ms": -1}, {"max_delay_ms": float("nan")},
     {"poll_seconds": 0}, {"max_delay_ms": "2"}),
    ids=str,
)  # fmt: skip
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Settings(**settings)
