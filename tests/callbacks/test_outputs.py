"""Callbacks that write: checkpoints, tables, backups, and posts to a server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from amalthea import callbacks as c
from amalthea.callbacks.model_checkpoint import BatchCounter
from tests.callbacks.runs import losses, run

CHECKPOINTS = {
    # name: values, arguments, names of the files written in order
    "every epoch": ([1, 2], {}, ["m.keras", "m.keras"]),
    "formatted": ([0.123, 2], {"filepath": "{epoch:02d}-{val_loss:.2f}.keras"}, ["01-0.12.keras", "02-2.00.keras"]),
    "best": ([3, 4, 2], {"filepath": "{epoch}.keras", "save_best_only": True}, ["1.keras", "3.keras"]),
    "best of a threshold": (
        [3, 2, 1],
        {"filepath": "{epoch}.keras", "save_best_only": True, "initial_value_threshold": 2.5},
        ["2.keras", "3.keras"],
    ),
    "largest": (
        [3, 4, 2],
        {"filepath": "{epoch}.keras", "save_best_only": True, "mode": "max"},
        ["1.keras", "2.keras"],
    ),
    "weights": ([1], {"filepath": "m.weights.h5", "save_weights_only": True}, ["m.weights.h5"]),
    "an older file": ([1], {"filepath": "m.h5"}, ["m.h5"]),
    "batches": ([1, 1], {"filepath": "{epoch}-{batch}.keras", "save_freq": 2}, ["1-2.keras", "2-1.keras", "2-3.keras"]),
    "a new folder": ([1], {"filepath": "new/folder/m.keras"}, ["m.keras"]),
}


@pytest.mark.parametrize(("batches", "due"), [((0, 1, 2, 0, 1), 2), ((1, 3, 1, 3), 4), ((3, 3), 2)])
def test_batches_are_counted_even_if_several_end_at_once(batches, due):
    counter = BatchCounter(2)
    assert sum(counter.is_due(batch) for batch in batches) == due


@pytest.mark.parametrize("case", CHECKPOINTS)
def test_checkpoints_are_written_when_and_where_they_should(case, tmp_path, capsys):
    values, arguments, files = CHECKPOINTS[case]
    path = tmp_path / arguments.get("filepath", "m.keras")
    model = run(losses(*values), c.ModelCheckpoint(**{**arguments, "filepath": path, "verbose": 1}))
    assert [name.replace("\\", "/").rsplit("/", 1)[-1] for name in model.saved] == files
    assert capsys.readouterr().out.count("saving model to") == len(files)


def test_the_table_has_a_row_an_epoch_and_may_be_continued(tmp_path):
    path = tmp_path / "log.csv"
    for _ in range(2):
        run([{"loss": 1.5}, {"loss": 1.0, "val_loss": [1, 2]}], c.CSVLogger(path, separator=";", append=True))
    rows = "0;1.5;NA\n1;1.0;[1, 2]\n"
    assert path.read_text() == "epoch;loss;val_loss\n" + rows + rows
    run([{"loss": 1.5}], c.CSVLogger(path))
    assert path.read_text() == "epoch,loss,val_loss\n0,1.5,NA\n"


class Crash(Exception):
    pass


def crash_at(epoch, batch):
    def hook(now, logs):
        if (at["epoch"], now) == (epoch, batch):
            raise Crash

    at = {}
    return c.LambdaCallback(on_epoch_begin=lambda epoch, logs: at.update(epoch=epoch), on_train_batch_end=hook)


@pytest.mark.parametrize("save_freq", ["epoch", 3])
@pytest.mark.parametrize("double", [False, True])
def test_a_run_that_crashed_goes_on_where_it_was(tmp_path, save_freq, double):
    backup = tmp_path / "backup"
    with pytest.raises(Crash):
        run(losses(4, 3, 2, 1), c.BackupAndRestore(backup, save_freq, double_checkpoint=double), crash_at(2, 1))
    assert len(list(backup.iterdir())) == 2 + double
    model = run(losses(4, 3, 2, 1), c.BackupAndRestore(backup, save_freq))
    assert model.history.epoch == [0, 1, 2, 3] and model.history.history == {"val_loss": [4, 3, 2, 1]}
    assert not backup.exists()


def test_the_epoch_to_begin_with_is_the_later_one(tmp_path):
    model = run(losses(4, 3, 2, 1), c.BackupAndRestore(tmp_path / "none"), initial_epoch=3)
    assert model.history.epoch == [3]


@pytest.mark.parametrize("as_json", [True, False])
def test_the_remote_monitor_posts_every_epoch(as_json):
    bodies = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Keep)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        run(losses(1, 2), c.RemoteMonitor(f"http://127.0.0.1:{server.server_port}", send_as_json=as_json))
    finally:
        server.shutdown()
        server.server_close()
    assert len(bodies) == 2
    if as_json:
        assert json.loads(bodies[1]) == {"epoch": 1, "val_loss": 2.0}
    else:
        assert bodies[1].startswith("data=%7B")


def test_the_remote_monitor_warns_if_nobody_answers():
    with pytest.warns(UserWarning, match="could not reach"):
        run(losses(1), c.RemoteMonitor("http://127.0.0.1:9"))
