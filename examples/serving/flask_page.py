"""A page to which a picture of a digit is uploaded, and that shows ten probabilities.

pip install amalthea[images] flask
amalthea demo --save digits.keras
MODEL=digits.keras flask --app flask_page run
"""

import os

import numpy as np
from flask import Flask, render_template_string, request
from PIL import Image, UnidentifiedImageError

import amalthea

PAGE = """<!doctype html><title>Digits</title>
<form method="post" enctype="multipart/form-data">
  <input type="file" name="picture" accept="image/*" required> <button>Read</button>
</form>
{% if message %}<p role="alert">{{ message }}</p>{% endif %}
{% for share in shares %}
<p>{{ loop.index0 }} <meter value="{{ share }}"></meter> {{ "%.1f" % (100 * share) }} %</p>
{% endfor %}"""

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1 << 22
Image.MAX_IMAGE_PIXELS = 1 << 24
model = amalthea.load_model(os.environ["MODEL"], compile=False)


def pixels(file):
    """A picture as the model takes it: 28 x 28 from 0 (paper) to 1 (ink). Dark ink on light paper is turned round."""
    grey = np.asarray(Image.open(file).convert("L").resize((28, 28)), "float32") / 255
    return (1 - grey if np.median(grey) > 0.5 else grey)[None, ..., None]


@app.route("/", methods=["GET", "POST"])
def page():
    if request.method == "GET":
        return render_template_string(PAGE)
    if "picture" not in request.files:
        return render_template_string(PAGE, message="Choose a picture."), 400
    try:
        x = pixels(request.files["picture"])
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return render_template_string(PAGE, message="This file is not a picture that can be read."), 400
    return render_template_string(PAGE, shares=model.predict(x, verbose=0)[0].tolist())
