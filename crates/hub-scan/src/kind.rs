//! What a file is looked at for, by its name.

/// What a file is looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Libraries load it as a pickle, whatever it looks like.
    Pickle,
    /// A Keras model in a zip file.
    Keras,
    /// A header with a chat template.
    Gguf,
    /// JSON with a chat template, and a text like any other.
    Template,
    /// A chat template, and a text like any other.
    Jinja,
    /// A header of numbers and names; nothing in it is run.
    Safetensors,
    /// Pictures, sounds, tables: nothing in it is run, and it is no text.
    Opaque,
    /// Anything else: what it is shows in its first bytes.
    Other,
}

/// What `torch.load`, `joblib.load`, `numpy.load` and `pickle.load` are given.
const PICKLES: &[&str] = &[
    "pkl", "pickle", "pck", "pcl", "p", "joblib", "jbl", "dill", "dat", "bin", "pt", "pth", "ckpt", "npy", "npz", "pdparams",
    "pdopt", "mar", "th", "t7", "model", "data",
];
const OPAQUE: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "ico", "heic", "avif", "mp3", "wav", "flac", "ogg", "opus", "m4a",
    "aac", "mp4", "mkv", "mov", "avi", "webm", "parquet", "arrow", "feather", "orc", "avro", "tfrecord", "mds", "onnx", "tflite",
    "woff", "woff2", "ttf", "otf", "pdf",
];

impl Kind {
    const ALL: [Self; 8] =
        [Self::Pickle, Self::Keras, Self::Gguf, Self::Template, Self::Jinja, Self::Safetensors, Self::Opaque, Self::Other];

    /// By the name of a file.
    pub fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            "keras" => Self::Keras,
            "gguf" => Self::Gguf,
            "safetensors" => Self::Safetensors,
            "jinja" | "jinja2" => Self::Jinja,
            _ if matches!(name.as_str(), "tokenizer_config.json" | "chat_template.json" | "processor_config.json") => {
                Self::Template
            }
            ending if PICKLES.contains(&ending) => Self::Pickle,
            ending if OPAQUE.contains(&ending) => Self::Opaque,
            _ => Self::Other,
        }
    }

    /// Whether there is anything to look for in it.
    pub const fn is_looked_at(self) -> bool {
        !matches!(self, Self::Opaque)
    }

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pickle => "pickle",
            Self::Keras => "keras",
            Self::Gguf => "gguf",
            Self::Template => "template",
            Self::Jinja => "jinja",
            Self::Safetensors => "safetensors",
            Self::Opaque => "opaque",
            Self::Other => "other",
        }
    }

    /// Reads what [`Kind::as_str`] gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_to_look_for() {
        for (path, kind) in [
            ("pytorch_model.bin", Kind::Pickle),
            ("a/b/Model.PKL", Kind::Pickle),
            ("x.tar.gz", Kind::Other),
            ("tokenizer_config.json", Kind::Template),
            ("additional_chat_templates/tool.jinja", Kind::Jinja),
            ("model-00001-of-2.safetensors", Kind::Safetensors),
            ("m.keras", Kind::Keras),
            ("m.h5", Kind::Other),
            ("llama.Q4.gguf", Kind::Gguf),
            ("cat.PNG", Kind::Opaque),
            (".env", Kind::Other),
            ("README", Kind::Other),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
    }
}
