//! The files of `data/`, as part of the program.

macro_rules! file {
    ($id:literal) => {
        ($id, include_str!(concat!("data/", $id, ".toml")))
    };
}

/// What is told of each task, by its id; sorted.
pub(super) const TASKS: &[(&str, &str)] = &[
    file!("any-to-any"),
    file!("audio-classification"),
    file!("audio-text-to-text"),
    file!("audio-to-audio"),
    file!("automatic-speech-recognition"),
    file!("conversational"),
    file!("depth-estimation"),
    file!("document-question-answering"),
    file!("feature-extraction"),
    file!("fill-mask"),
    file!("graph-ml"),
    file!("image-classification"),
    file!("image-feature-extraction"),
    file!("image-segmentation"),
    file!("image-text-to-image"),
    file!("image-text-to-text"),
    file!("image-text-to-video"),
    file!("image-to-3d"),
    file!("image-to-image"),
    file!("image-to-text"),
    file!("image-to-video"),
    file!("keypoint-detection"),
    file!("mask-generation"),
    file!("multiple-choice"),
    file!("object-detection"),
    file!("other"),
    file!("question-answering"),
    file!("reinforcement-learning"),
    file!("robotics"),
    file!("sentence-similarity"),
    file!("summarization"),
    file!("table-question-answering"),
    file!("table-to-text"),
    file!("tabular-classification"),
    file!("tabular-regression"),
    file!("tabular-to-text"),
    file!("text-classification"),
    file!("text-generation"),
    file!("text-ranking"),
    file!("text-retrieval"),
    file!("text-to-3d"),
    file!("text-to-audio"),
    file!("text-to-image"),
    file!("text-to-speech"),
    file!("text-to-video"),
    file!("text2text-generation"),
    file!("time-series-forecasting"),
    file!("token-classification"),
    file!("translation"),
    file!("unconditional-image-generation"),
    file!("video-classification"),
    file!("video-text-to-text"),
    file!("video-to-video"),
    file!("visual-document-retrieval"),
    file!("visual-question-answering"),
    file!("voice-activity-detection"),
    file!("zero-shot-classification"),
    file!("zero-shot-image-classification"),
    file!("zero-shot-object-detection"),
];

/// What is told of metrics.
pub(super) const METRICS: &str = include_str!("data/metrics.toml");
