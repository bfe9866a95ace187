//! Programs that run models, and how to tell by a model's tags whether they can load it.
//! The names are those of `@huggingface/tasks`, `local-apps.ts`.

/// A program that runs models.
#[derive(Debug, Clone, Copy)]
pub struct LocalApp {
    /// Its name in addresses.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Tags of which a model needs one.
    pub tags: &'static [&'static str],
}

const fn app(name: &'static str, label: &'static str, tags: &'static [&'static str]) -> LocalApp {
    LocalApp { name, label, tags }
}

/// Every known program.
pub const APPS: &[LocalApp] = &[
    app("llama.cpp", "llama.cpp", &["gguf"]),
    app("ollama", "Ollama", &["gguf"]),
    app("vllm", "vLLM", &["transformers"]),
    app("sglang", "SGLang", &["transformers"]),
    app("text-generation-inference", "TGI", &["transformers"]),
    app("mlx-lm", "MLX LM", &["mlx"]),
    app("lmstudio", "LM Studio", &["gguf"]),
    app("jan", "Jan", &["gguf"]),
    app("localai", "LocalAI", &["gguf"]),
    app("node-llama-cpp", "node-llama-cpp", &["gguf"]),
    app("docker-model-runner", "Docker Model Runner", &["gguf"]),
    app("unsloth", "Unsloth", &["gguf"]),
    app("lemonade", "Lemonade", &["gguf"]),
    app("backyard", "Backyard", &["gguf"]),
    app("sanctum", "Sanctum", &["gguf"]),
    app("jellybox", "Jellybox", &["gguf"]),
    app("msty", "Msty", &["gguf"]),
    app("recursechat", "RecurseChat", &["gguf"]),
    app("draw-things", "Draw Things", &["diffusers"]),
    app("diffusionbee", "DiffusionBee", &["diffusers"]),
    app("joyfusion", "JoyFusion", &["diffusers"]),
    app("invoke", "Invoke", &["diffusers"]),
];

/// Finds a program; some have a second name.
pub fn find(name: &str) -> Option<&'static LocalApp> {
    let name = match name {
        "tgi" => "text-generation-inference",
        "mlx" => "mlx-lm",
        other => other,
    };
    APPS.iter().find(|app| app.name == name)
}

/// The programs that can load a model with these tags.
pub fn that_run(tags: &[String]) -> impl Iterator<Item = &'static str> {
    APPS.iter().filter(|app| app.tags.iter().any(|tag| tags.iter().any(|found| found == tag))).map(|app| app.name)
}
