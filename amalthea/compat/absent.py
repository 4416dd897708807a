"""Modules and names of older versions of Keras that are not here, with the reason."""

from __future__ import annotations

_HELPER = "it was a helper inside of Keras"
_ENQUEUERS = "fit and evaluate read generators and keras.utils.Sequence by themselves"
_PATHS = "weights are found and checked by amalthea.applications"
_FILES = "model files are read and written by amalthea.saving"
_EXPERIMENT = "it was experimental, and Keras 3 dropped it"

# The address of a module, and the reason why there is none.
MODULES = {
    "applications.audio_conv_utils": "Keras 2 dropped it",
    "applications.music_tagger_crnn": "Keras 2 dropped it",
    "applications.regnet": "Keras 3 dropped it",
    "applications.resnet_rs": "Keras 3 dropped it",
    "dtensor": "devices and meshes are in amalthea.distribution",
    "dtensor.experimental": "devices and meshes are in amalthea.distribution",
    "dtensor.experimental.optimizers": "devices and meshes are in amalthea.distribution",
    "engine.training_arrays": _HELPER,
    "engine.training_generator": _HELPER,
    "engine.training_utils": _HELPER,
    "metrics.experimental": _EXPERIMENT,
    "models.experimental": _EXPERIMENT,
    "utils.experimental": _EXPERIMENT,
    "legacy.interfaces": _HELPER,
    "utils.metrics_utils": _HELPER,
    "utils.training_utils": _HELPER,
    "utils.test_utils": "amalthea.testing has tests of components",
}
# Names, by the module; the module "" stands for any.
_NAMES: dict[str, dict[str, str]] = {
    "": {
        _HELPER: "Node object_list_uid to_list count_total_params disable_tracking ConvRecurrent2D ConvRNN2D "
        "ConvLSTM2DCell time_distributed_dense clip_norm clone_metric clone_metrics Reduce BaseMeanIoU "
        "SensitivitySpecificityBase add_edge is_model is_wrapped_model get_from_module make_tuple get_index init_pool "
        "init_pool_generator next_sample check_for_unexpected_keys getargspec has_arg is_all_none transpose_shape "
        "unpack_singleton deconv_length normalize_padding keras_modules_injection is_categorical_crossentropy "
        "deserialize_keras_object convert_dense_weights_data_format broadcast_weights compute_weighted_loss "
        "reduce_weighted_loss squeeze_or_expand_dimensions StepsPerExecutionTuner TimedThread SidecarEvaluator "
        "SidecarEvaluatorModelExport AbstractRNNCell PreprocessingLayer",
        _ENQUEUERS: "GeneratorEnqueuer OrderedEnqueuer SequenceEnqueuer",
        _PATHS: "TF_WEIGHTS_PATH TF_WEIGHTS_PATH_NO_TOP TH_WEIGHTS_PATH TH_WEIGHTS_PATH_NO_TOP CLASS_INDEX_PATH "
        "conv2d_bn conv_block identity_block",
        _FILES: "H5Dict h5dict ask_to_proceed_with_overwrite load_from_binary_h5py save_to_binary_h5py load_array "
        "save_array load_batch layer_from_config optimizer_from_config",
        "optimizers of TensorFlow are not run here": "TFOptimizer",
        "Keras 2 dropped it": "EigenvalueRegularizer apply_transform list_pictures transform_matrix_offset_center",
        "feature columns were TensorFlow's, which dropped them": "DenseFeatures LinearModel WideDeepModel "
        "SequenceFeatures",
        "Keras 3 dropped it": "RandomFourierFeatures MeanRelativeError MeanTensor RadialConstraint radial_constraint "
        "warmstart_embedding_matrix to_ordinal RegNetX002 RegNetX004 RegNetX006 RegNetX008 RegNetX016 RegNetX032 "
        "RegNetX040 RegNetX064 RegNetX080 RegNetX120 RegNetX160 RegNetX320 RegNetY002 RegNetY004 RegNetY006 "
        "RegNetY008 RegNetY016 RegNetY032 RegNetY040 RegNetY064 RegNetY080 RegNetY120 RegNetY160 RegNetY320 "
        "ResNetRS101 ResNetRS152 ResNetRS200 ResNetRS270 ResNetRS350 ResNetRS420 ResNetRS50",
    },
    "engine.training": {
        _HELPER: "batch_shuffle check_array_lengths check_loss_and_target_compatibility collect_metrics make_batches "
        "standardize_class_weights standardize_input_data standardize_sample_or_class_weights "
        "standardize_sample_weights standardize_weights weighted_objective",
    },
    "engine.saving": {
        _FILES: "allow_read_from_gcs allow_write_to_gcs load_attributes_from_hdf5_group load_weights_from_hdf5_group "
        "load_weights_from_hdf5_group_by_name pickle_model preprocess_weights_for_loading "
        "save_attributes_to_hdf5_group save_weights_to_hdf5_group unpickle_model",
    },
    "applications": {_HELPER: "backend layers models utils"},
    "backend": {
        "graphs of TensorFlow are not built here": "get_graph get_default_graph_uid_map GraphExecutionFunction "
        "PER_GRAPH_OBJECT_NAME_UIDS NAME_SCOPE_STACK ContextValueCache control_dependencies",
        "there is no TensorFlow session: graphs are compiled and run without one": "SessionLocal "
        "configure_and_create_distributed_session get_default_session_config",
        "K.ctc_batch_cost and K.ctc_decode have what it was a part of": "ctc_cost ctc_create_skip_idxs "
        "ctc_interleave_blanks ctc_path_probs ctc_update_log_p",
        "random numbers come from keras.random": "RandomGenerator enable_tf_random_generator "
        "disable_tf_random_generator is_tf_random_generator_enabled",
        "variables begin with a value": "v1_variable_initialization",
        "it depends on an installed TensorFlow": "tf_major_version tf_minor_version is_tpu_strategy track_tf_optimizer",
        _HELPER: "is_explicit_shape OBSERVED_NAMES observe_object_name track_variable",
    },
    "preprocessing": {_HELPER: "backend utils"},
}
_REASONS = {
    module: {name: reason for reason, names in rows.items() for name in names.split()}
    for module, rows in _NAMES.items()
}


def reason(address: str, name: str = "") -> str:
    """The reason why a module, or a name of one, is not here; empty for what no version had.

    Args:
        address: str; the module, without ``keras.``.
        name: str; a name in it. Defaults to ``""``, the module itself.

    Example:
        >>> reason("optimizers", "TFOptimizer"), reason("applications.regnet")
        ('optimizers of TensorFlow are not run here', 'Keras 3 dropped it')
    """
    inner = f"{address}.{name}".strip(".")
    if not name:
        return MODULES.get(address, "")
    return _REASONS.get(address, {}).get(name) or _REASONS[""].get(name) or MODULES.get(inner, "")
