"""Distillation: losses against formulas, training, files."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, distillation, layers, losses, ops
from amalthea.distillation import Distiller, FeatureDistillation, LogitsDistillation
from amalthea.errors import AmaltheaError
from tests.arrays import numbers


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_logits_are_compared_by_the_divergence_at_a_temperature(temperature):
    teacher, student = numbers(5, 4), numbers(5, 4) * 2 + 1
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    wanted = (p * np.log(p / q)).sum(-1).mean() * temperature**2
    for loss in ("kl_divergence", losses.KLDivergence()):
        found = LogitsDistillation(temperature, loss).compute_loss(teacher, student)
        np.testing.assert_allclose(float(found), wanted, rtol=1e-4)


def test_other_losses_compare_the_divided_logits_or_features():
    teacher, student = numbers(5, 4), numbers(5, 4) * 2 + 1
    wanted = np.mean((teacher - student) ** 2)
    np.testing.assert_allclose(
        float(LogitsDistillation(2.0, "mse").compute_loss(teacher, student)), wanted / 4, rtol=1e-5
    )
    np.testing.assert_allclose(float(FeatureDistillation().compute_loss(teacher, student)), wanted, rtol=1e-5)


def test_losses_of_several_outputs_add_up_and_none_leaves_one_out():
    teacher, student = [numbers(3, 2), numbers(3, 4)], [numbers(3, 2) + 1, numbers(3, 4) + 2]
    assert float(FeatureDistillation(["mse", "mae"]).compute_loss(teacher, student)) == pytest.approx(1 + 2, rel=1e-5)
    assert float(FeatureDistillation(["mse", None]).compute_loss(teacher, student)) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    "loss", [LogitsDistillation(2.0, "mse"), FeatureDistillation("mae", "a", "b"), LogitsDistillation(3.0)]
)
def test_a_loss_is_made_again_from_its_configuration(loss):
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    teacher, student = numbers(3, 2), numbers(3, 2) + 1
    assert float(again.compute_loss(teacher, student)) == float(loss.compute_loss(teacher, student))


def net(units, name, outputs=3):
    return Sequential(
        [
            Input((6,)),
            layers.Dense(units, "relu", name=f"{name}_a"),
            layers.Dense(16, name=f"{name}_b"),
            layers.Dense(outputs),
        ],
        name=name,
    )


def data():
    rng = np.random.RandomState(0)
    x = rng.normal(size=(256, 6)).astype("float32")
    return x, (x @ rng.normal(size=(6, 3))).argmax(1)


def taught(**options):
    amalthea.utils.set_random_seed(1)
    x, y = data()
    teacher = net(32, "teacher")
    teacher.compile("adam", "mse")
    teacher.fit(x, np.eye(3)[y] * 8, epochs=20, verbose=0)
    both = [LogitsDistillation(2.0), FeatureDistillation("mse", "teacher_b", "student_b")]
    model = Distiller(teacher, net(8, "student"), both, [1.0, 0.1], **options)
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_a_student_learns_and_its_teacher_stays_as_it_is():
    model, (x, y) = taught(student_loss_weight=0.3), data()
    before = model.teacher.get_weights()
    history = model.fit(x, y, epochs=30, verbose=0).history
    assert set(history) == {"loss", "accuracy", "student_loss", "distillation_loss", "total_loss"}
    assert history["distillation_loss"][-1] < 0.8 * history["distillation_loss"][0]
    assert history["accuracy"][-1] > 0.7 and history["accuracy"][-1] > history["accuracy"][0]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.teacher.get_weights()))
    assert not model.teacher.trainable_variables and len(model.trainable_variables) == 6
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.student.predict(x, verbose=0))


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_the_loss_is_the_weighted_sum(weight):
    model, (x, y) = taught(student_loss_weight=weight), data()
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    parts = weight * found["student_loss"] + (1 - weight) * found["distillation_loss"]
    assert found["loss"] == pytest.approx(parts, rel=1e-4) and found["total_loss"] == pytest.approx(parts, rel=1e-4)
    assert (found["student_loss"] == 0) == (weight == 0) and (found["distillation_loss"] == 0) == (weight == 1)


@pytest.mark.filterwarnings("error")
def test_a_file_holds_both_models_the_losses_and_the_optimizer(tmp_path):
    model, (x, y) = taught(), data()
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "distiller.keras")
    again = amalthea.models.load_model(tmp_path / "distiller.keras")
    assert again.get_config() == model.get_config()
    np.testing.assert_allclose(again.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-5)
    one, other = (m.fit(x, y, verbose=0, shuffle=False).history["loss"] for m in (model, again))
    assert one == pytest.approx(other, rel=1e-5)


class Distance(distillation.DistillationLoss):
    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        return ops.mean(ops.abs(teacher_outputs - student_outputs), **kwargs)


class PerRow(distillation.DistillationLoss):
    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        return ops.mean(ops.abs(teacher_outputs - student_outputs), axis=-1)


def test_a_loss_of_your_own_is_used():
    x, y = data()
    model = Distiller(net(4, "t"), net(4, "s"), Distance())
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.evaluate(x, y, verbose=0, return_dict=True)["distillation_loss"] > 0


def functional():
    x = Input((6,))
    return Model(x, layers.Dense(3)(x))


class Subclassed(Model):
    def call(self, x):
        return x


BAD = {
    "not a teacher": (lambda: Distiller(3, net(4, "s"), Distance()), "teacher is not a model"),
    "not a student": (lambda: Distiller(net(4, "t"), None, Distance()), "student is not a model"),
    "other outputs": (lambda: Distiller(net(4, "t"), net(4, "s", 2), Distance()), "other outputs"),
    "no losses": (lambda: Distiller(net(4, "t"), net(4, "s"), None), "learns by distillation losses"),
    "a name": (lambda: Distiller(net(4, "t"), net(4, "s"), "mse"), "learns by distillation losses"),
    "weights": (lambda: Distiller(net(4, "t"), net(4, "s"), [Distance()], [1.0, 2.0]), "has a weight"),
    "a weight above 1": (lambda: Distiller(net(4, "t"), net(4, "s"), Distance(), student_loss_weight=2.0), "fraction"),
    "no layer": (lambda: Distiller(net(4, "t"), functional(), FeatureDistillation("mse", "x")), "teacher has no layer"),
    "no layers": (
        lambda: Distiller(Subclassed(), Subclassed(), FeatureDistillation("mse", "x")),
        "cannot be reached",
    ),
    "no loss": (lambda: Distiller(net(4, "t"), net(4, "s"), Distance()).compile("sgd"), "learns by a loss"),
    "temperature": (lambda: LogitsDistillation(0.0), "temperature"),
    "nothing compared": (lambda: FeatureDistillation([None, None]), "Distillation needs a loss"),
    "an unknown loss": (lambda: FeatureDistillation("nearness"), "There is no loss"),
    "other nesting": (lambda: FeatureDistillation().validate_outputs([1], {"a": 1}), "other outputs"),
    "losses of another nesting": (lambda: FeatureDistillation(["mse"]).validate_outputs(1, 1), "not nested like"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_distilled_is_told(case):
    call, message = BAD[case]
    with pytest.raises(AmaltheaError, match=message):
        call()


def test_a_loss_of_many_numbers_is_refused():
    x, y = data()
    model = Distiller(net(4, "t"), net(4, "s"), PerRow())
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(AmaltheaError, match="returns one number"):
        model.fit(x, y, verbose=0)
