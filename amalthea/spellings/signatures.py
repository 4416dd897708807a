"""The order and the defaults of arguments in Keras 1 and 2, where they differ from today's.

A line is a signature as the version had it. A call of that version is bound to it; an argument that was not given gets
the default of the line: the learning rates, epsilons and activations of recurrent layers of the era.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Any, NamedTuple

_REGULARIZED = "W_regularizer=None, b_regularizer=None, activity_regularizer=None, W_constraint=None, b_constraint=None"
_CONV = f"activation='linear', weights=None, border_mode='valid', {{}}{_REGULARIZED}, bias=True"
_RNN = "W_regularizer=None, U_regularizer=None, b_regularizer=None, dropout_W=0.0, dropout_U=0.0"
_GLOROT = "init='glorot_uniform'"

KERAS_1 = f"""
Dense(output_dim, {_GLOROT}, activation='linear', weights=None, {_REGULARIZED}, bias=True, input_dim=None)
TimeDistributedDense(output_dim, {_GLOROT}, activation='linear', weights=None, {_REGULARIZED}, bias=True, \
input_dim=None)
MaxoutDense(output_dim, nb_feature=4, {_GLOROT}, weights=None, {_REGULARIZED}, bias=True, input_dim=None)
Highway({_GLOROT}, activation='linear', weights=None, {_REGULARIZED}, bias=True, input_dim=None)
Dropout(p)
GaussianDropout(p)
GaussianNoise(sigma)
SpatialDropout1D(p)
SpatialDropout2D(p, dim_ordering='default')
SpatialDropout3D(p, dim_ordering='default')
Reshape(target_shape)
Merge(layers=None, mode='sum', concat_axis=-1, dot_axes=-1, output_shape=None, output_mask=None, arguments=None)
Lambda(function, output_shape=None, arguments=None)
Convolution1D(nb_filter, filter_length, {_GLOROT}, {_CONV.format("subsample_length=1, ")})
AtrousConvolution1D(nb_filter, filter_length, {_GLOROT}, {_CONV.format("subsample_length=1, atrous_rate=1, ")})
Convolution2D(nb_filter, nb_row, nb_col, {_GLOROT}, {_CONV.format("subsample=(1, 1), dim_ordering='default', ")})
AtrousConvolution2D(nb_filter, nb_row, nb_col, {_GLOROT}, \
{_CONV.format("subsample=(1, 1), atrous_rate=(1, 1), dim_ordering='default', ")})
SeparableConvolution2D(nb_filter, nb_row, nb_col, {_GLOROT}, activation='linear', weights=None, border_mode='valid', \
subsample=(1, 1), depth_multiplier=1, dim_ordering='default')
Deconvolution2D(nb_filter, nb_row, nb_col, output_shape, {_GLOROT}, \
{_CONV.format("subsample=(1, 1), dim_ordering='default', ")})
Convolution3D(nb_filter, kernel_dim1, kernel_dim2, kernel_dim3, {_GLOROT}, \
{_CONV.format("subsample=(1, 1, 1), dim_ordering='default', ")})
LocallyConnected1D(nb_filter, filter_length, {_GLOROT}, {_CONV.format("subsample_length=1, ")})
LocallyConnected2D(nb_filter, nb_row, nb_col, {_GLOROT}, {_CONV.format("subsample=(1, 1), dim_ordering='default', ")})
MaxPooling1D(pool_length=2, stride=None, border_mode='valid')
AveragePooling1D(pool_length=2, stride=None, border_mode='valid')
MaxPooling2D(pool_size=(2, 2), strides=None, border_mode='valid', dim_ordering='default')
AveragePooling2D(pool_size=(2, 2), strides=None, border_mode='valid', dim_ordering='default')
MaxPooling3D(pool_size=(2, 2, 2), strides=None, border_mode='valid', dim_ordering='default')
AveragePooling3D(pool_size=(2, 2, 2), strides=None, border_mode='valid', dim_ordering='default')
UpSampling1D(length=2)
UpSampling2D(size=(2, 2), dim_ordering='default')
UpSampling3D(size=(2, 2, 2), dim_ordering='default')
ZeroPadding2D(padding=(1, 1), dim_ordering='default')
Cropping2D(cropping=((0, 0), (0, 0)), dim_ordering='default')
Embedding(input_dim, output_dim, init='uniform', input_length=None, W_regularizer=None, activity_regularizer=None, \
W_constraint=None, mask_zero=False, weights=None, dropout=0.0)
SimpleRNN(output_dim, {_GLOROT}, inner_init='orthogonal', activation='tanh', {_RNN})
GRU(output_dim, {_GLOROT}, inner_init='orthogonal', activation='tanh', inner_activation='hard_sigmoid', {_RNN})
LSTM(output_dim, {_GLOROT}, inner_init='orthogonal', forget_bias_init='one', activation='tanh', \
inner_activation='hard_sigmoid', {_RNN})
ConvLSTM2D(nb_filter, nb_row, nb_col, {_GLOROT}, inner_init='orthogonal', forget_bias_init='one', activation='tanh', \
inner_activation='hard_sigmoid', dim_ordering='default', border_mode='valid', subsample=(1, 1), {_RNN})
LeakyReLU(alpha=0.3)
PReLU(init='zero', weights=None, shared_axes=None)
ParametricSoftplus(alpha_init=0.2, beta_init=5.0, weights=None, shared_axes=None)
ThresholdedReLU(theta=1.0)
BatchNormalization(epsilon=1e-3, mode=0, axis=-1, momentum=0.99, weights=None, beta_init='zero', gamma_init='one', \
gamma_regularizer=None, beta_regularizer=None)
SGD(lr=0.01, momentum=0.0, decay=0.0, nesterov=False)
RMSprop(lr=0.001, rho=0.9, epsilon=1e-8, decay=0.0)
Adagrad(lr=0.01, epsilon=1e-8, decay=0.0)
Adadelta(lr=1.0, rho=0.95, epsilon=1e-8, decay=0.0)
Adam(lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, decay=0.0)
Adamax(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-8, decay=0.0)
Nadam(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-8, schedule_decay=0.004)
"""

_BIASED = "use_bias=True, kernel_initializer='glorot_uniform', bias_initializer='zeros', kernel_regularizer=None, \
bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None"
_RECURRENT = "use_bias=True, kernel_initializer='glorot_uniform', recurrent_initializer='orthogonal', \
bias_initializer='zeros'"
_CUDNN = "kernel_initializer='glorot_uniform', recurrent_initializer='orthogonal', bias_initializer='zeros'"
_UNIT_FORGET = "unit_forget_bias=True"
_PENALTIES = "kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, \
kernel_constraint=None, recurrent_constraint=None, bias_constraint=None"
_OF_CELL = _PENALTIES.replace(" activity_regularizer=None,", "")
_LAST = "dropout=0.0, recurrent_dropout=0.0, implementation=1, return_sequences=False, return_state=False, \
go_backwards=False, stateful=False, unroll=False"

KERAS_2 = f"""
Conv1D(filters, kernel_size, strides=1, padding='valid', data_format='channels_last', dilation_rate=1, \
activation=None, {_BIASED})
Conv2D(filters, kernel_size, strides=(1, 1), padding='valid', data_format=None, dilation_rate=(1, 1), \
activation=None, {_BIASED})
Conv3D(filters, kernel_size, strides=(1, 1, 1), padding='valid', data_format=None, dilation_rate=(1, 1, 1), \
activation=None, {_BIASED})
Conv2DTranspose(filters, kernel_size, strides=(1, 1), padding='valid', output_padding=None, data_format=None, \
dilation_rate=(1, 1), activation=None, {_BIASED})
Conv3DTranspose(filters, kernel_size, strides=(1, 1, 1), padding='valid', output_padding=None, data_format=None, \
activation=None, {_BIASED})
ConvLSTM2D(filters, kernel_size, strides=(1, 1), padding='valid', data_format=None, dilation_rate=(1, 1), \
activation='tanh', recurrent_activation='hard_sigmoid', {_RECURRENT}, {_UNIT_FORGET}, {_PENALTIES}, \
return_sequences=False, go_backwards=False, stateful=False, dropout=0.0, recurrent_dropout=0.0)
CuDNNGRU(units, {_CUDNN}, {_PENALTIES}, return_sequences=False, return_state=False, stateful=False)
CuDNNLSTM(units, {_CUDNN}, {_UNIT_FORGET}, {_PENALTIES}, return_sequences=False, return_state=False, stateful=False)
DepthwiseConv2D(kernel_size, strides=(1, 1), padding='valid', depth_multiplier=1, data_format=None, activation=None, \
use_bias=True, depthwise_initializer='glorot_uniform', bias_initializer='zeros', depthwise_regularizer=None, \
bias_regularizer=None, activity_regularizer=None, depthwise_constraint=None, bias_constraint=None)
LocallyConnected1D(filters, kernel_size, strides=1, padding='valid', data_format=None, activation=None, {_BIASED})
LocallyConnected2D(filters, kernel_size, strides=(1, 1), padding='valid', data_format=None, activation=None, {_BIASED})
GRU(units, activation='tanh', recurrent_activation='hard_sigmoid', {_RECURRENT}, {_PENALTIES}, {_LAST}, \
reset_after=False)
LSTM(units, activation='tanh', recurrent_activation='hard_sigmoid', {_RECURRENT}, {_UNIT_FORGET}, {_PENALTIES}, {_LAST})
GRUCell(units, activation='tanh', recurrent_activation='hard_sigmoid', {_RECURRENT}, {_OF_CELL}, dropout=0.0, \
recurrent_dropout=0.0, implementation=1, reset_after=False)
LSTMCell(units, activation='tanh', recurrent_activation='hard_sigmoid', {_RECURRENT}, {_UNIT_FORGET}, {_OF_CELL}, \
dropout=0.0, recurrent_dropout=0.0, implementation=1)
LeakyReLU(alpha=0.3)
ThresholdedReLU(theta=1.0)
Lambda(function, output_shape=None, mask=None, arguments=None)
SGD(lr=0.01, momentum=0.0, decay=0.0, nesterov=False)
RMSprop(lr=0.001, rho=0.9, epsilon=1e-7, decay=0.0)
Adagrad(lr=0.01, epsilon=1e-7, decay=0.0)
Adadelta(lr=1.0, rho=0.95, epsilon=1e-7, decay=0.0)
Adam(lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, decay=0.0, amsgrad=False)
Adamax(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-7, decay=0.0)
Nadam(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-7, schedule_decay=0.004)
"""


class Signature(NamedTuple):
    """The arguments of a class in order, and the defaults of those that have one.

    Args:
        arguments: names.
        defaults: dict from name to value.
    """

    arguments: tuple[str, ...]
    defaults: dict[str, Any]


@cache
def signatures(era: int) -> dict[str, Signature]:
    """The signatures of an era by class; empty for today's.

    Example:
        >>> signatures(1)["Dropout"].arguments, signatures(1)["SGD"].defaults["lr"]
        (('p',), 0.01)
    """
    lines = {1: KERAS_1, 2: KERAS_2}.get(era, "").strip().splitlines()
    found = {}
    for line in lines:
        call = ast.parse(f"def {line}: pass").body[0]
        assert isinstance(call, ast.FunctionDef)
        names = tuple(a.arg for a in call.args.args)
        values = [ast.literal_eval(d) for d in call.args.defaults]
        found[call.name] = Signature(names, dict(zip(names[len(names) - len(values) :], values)))
    if era == 2:
        found.update({name.replace("Conv", "Convolution"): found[name] for name in ("Conv1D", "Conv2D", "Conv3D")})
    return found
