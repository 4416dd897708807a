"""Small data sets in the formats of the large ones, for the scripts of this folder.

    python examples/data.py FOLDER

writes into FOLDER: ``mnist.npz``, ``imdb.npz``, ``babi-tasks-v1-2.tar.gz``, ``nietzsche.txt``, ``glove.6B.50d.txt`` and
``shapes/`` (PNG files in a folder for each class; needs Pillow). The digits are real ones that the package ships. The
rest is drawn from a seed, and easy enough to learn in seconds.
"""

import io
import os
import sys
import tarfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DIGITS = os.path.join(HERE, os.pardir, "amalthea", "datasets", "digits.npz")
WORDS = 200  # of a review's language, by how common they are
GOOD, BAD, NOT = range(20, 35), range(35, 50), 19


def digits():
    """The first digits of those that the package ships, as ``mnist.npz`` names them."""
    with np.load(DIGITS) as kept:
        sizes = {"train": 4000, "test": 1000}
        return {f"{x}_{part}": kept[f"{x}_{part}"][:n] for part, n in sizes.items() for x in "xy"}


def reviews(count, generator):
    """Reviews as lists of word numbers, and whether they are good: more good words than bad ones, but after ``NOT``."""
    texts, labels = np.empty(count, dtype=object), np.empty(count, dtype="int64")
    for i in range(count):
        label, text = int(generator.randint(2)), []
        for _ in range(generator.randint(15, 60)):
            draw = generator.rand()
            if draw < 0.1:
                text.append(int(generator.choice(GOOD if label else BAD)))
            elif draw < 0.14:
                text += [NOT, int(generator.choice(BAD if label else GOOD))]
            else:
                word = int(WORDS * generator.rand() ** 2) + 1
                text.append(word if word < NOT or word >= BAD.stop else 1)
        texts[i], labels[i] = text, label
    return texts, labels


def stories(count, generator):
    """Stories of task 1 of bAbI: people go to places, and one is asked after."""
    people, places = "Mary John Sandra Daniel".split(), "bathroom hallway garden office bedroom kitchen".split()
    verbs = ["went to", "moved to", "travelled to", "journeyed to", "went back to"]
    lines = []
    for _ in range(count):
        where = {}
        for line in (1, 2):
            who, place = generator.choice(people), generator.choice(places)
            where[who] = (place, line)
            lines.append("{} {} {} the {}.".format(line, who, generator.choice(verbs), place))
        who = generator.choice(sorted(where))
        lines.append("3 Where is {}? \t{}\t{}".format(who, *where[who]))
    return "\n".join(lines) + "\n"


def prose(count, generator):
    """Sentences of a small grammar."""
    nouns = "truth morality reason nature woman spirit philosopher instinct danger prejudice".split()
    verbs = "loves fears doubts becomes overcomes denies".split()
    chosen = [[generator.choice(nouns), generator.choice(verbs), generator.choice(nouns)] for _ in range(count)]
    return " ".join("The {} always {} the {}.".format(*words) for words in chosen)


def vectors(generator):
    """Lines of GloVe's files: a word (its number in words) and 50 numbers, alike for words of one kind."""
    kinds = generator.normal(0, 1, (3, 50))
    for word in range(1, WORDS + 1):
        kind = 0 if word in GOOD else 1 if word in BAD else 2
        yield "word{} ".format(word) + " ".join("%.4f" % x for x in kinds[kind] + generator.normal(0, 0.3, 50))


def shapes(generator, size=24):
    """A picture of a disc and one of a square, of any colour, somewhere on a noisy ground."""
    rows, columns = np.mgrid[:size, :size]
    for name in ("disc", "square"):
        row, column = generator.randint(8, size - 8, 2)
        radius = generator.randint(4, 8)
        dy, dx = abs(rows - row), abs(columns - column)
        inside = dy**2 + dx**2 < radius**2 if name == "disc" else np.maximum(dy, dx) < radius * 0.85
        ground = generator.randint(0, 60, (size, size, 3))
        yield name, np.where(inside[..., None], generator.randint(120, 255, 3), ground).astype("uint8")


def write_images(folder):
    from PIL import Image

    generator = np.random.RandomState(5)
    for part, count in (("train", 80), ("validation", 40)):
        for i in range(count):
            for name, pixels in shapes(generator):
                place = os.path.join(folder, part, name)
                os.makedirs(place, exist_ok=True)
                Image.fromarray(pixels).save(os.path.join(place, "{:03d}.png".format(i)))


def write(folder):
    """Writes every file into a folder."""
    os.makedirs(folder, exist_ok=True)
    place = lambda name: os.path.join(folder, name)  # noqa: E731
    np.savez(place("mnist.npz"), **digits())
    generator = np.random.RandomState(1)
    (x, y), (x_test, y_test) = reviews(1200, generator), reviews(400, generator)
    np.savez(place("imdb.npz"), x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    generator = np.random.RandomState(2)
    with tarfile.open(place("babi-tasks-v1-2.tar.gz"), "w:gz") as archive:
        for part, count in (("train", 1500), ("test", 300)):
            text = stories(count, generator).encode()
            entry = tarfile.TarInfo("tasks_1-20_v1-2/en-10k/qa1_single-supporting-fact_{}.txt".format(part))
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    with open(place("nietzsche.txt"), "w") as file:
        file.write(prose(400, np.random.RandomState(3)))
    with open(place("glove.6B.50d.txt"), "w") as file:
        file.write("\n".join(vectors(np.random.RandomState(4))) + "\n")
    write_images(place("shapes"))


if __name__ == "__main__":
    write(sys.argv[1])
