//! Examples of a task: what goes in and what comes out, as values that templates draw.

use serde::Deserialize;

use super::drawing::{self, Bar, Plot};

/// An example.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Demo {
    /// What goes in.
    pub inputs: Vec<Panel>,
    /// What comes out.
    pub outputs: Vec<Panel>,
}

/// One value of an example.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Panel {
    Text(TextPanel),
    Scores(ScoresPanel),
    Spans(SpansPanel),
    Table(TablePanel),
    Image(ImagePanel),
    Audio(AudioPanel),
    Video(VideoPanel),
    Series(SeriesPanel),
    Vector(VectorPanel),
    Chat(ChatPanel),
    Chips(ItemsPanel),
    List(ItemsPanel),
}

impl Panel {
    /// Its caption.
    pub(super) fn label(&self) -> &str {
        match self {
            Self::Text(panel) => &panel.label,
            Self::Scores(panel) => &panel.label,
            Self::Spans(panel) => &panel.label,
            Self::Table(panel) => &panel.label,
            Self::Image(panel) => &panel.label,
            Self::Audio(panel) => &panel.label,
            Self::Video(panel) => &panel.label,
            Self::Series(panel) => &panel.label,
            Self::Vector(panel) => &panel.label,
            Self::Chat(panel) => &panel.label,
            Self::Chips(panel) | Self::List(panel) => &panel.label,
        }
    }
}

/// A text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextPanel {
    pub label: String,
    pub text: String,
    /// Its language, when it is not English.
    pub lang: Option<String>,
}

/// Labels with how sure the model is of each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScoresPanel {
    pub label: String,
    pub items: Vec<Score>,
}

/// A label and its score.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Score {
    pub label: String,
    /// From 0 to 1.
    pub score: f64,
}

impl Score {
    /// The width of its bar, of 100.
    pub(super) fn width(&self) -> String {
        format!("{:.0}", self.score * 100.0)
    }

    /// The score with two digits.
    pub(super) fn shown(&self) -> String {
        format!("{:.2}", self.score)
    }
}

/// A text in which some parts have a label.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpansPanel {
    pub label: String,
    pub parts: Vec<Part>,
}

/// A part of a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub text: String,
    pub tag: Option<String>,
}

/// A table, some cells of which are marked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TablePanel {
    pub label: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Row and column, from 0.
    #[serde(default)]
    pub marked: Vec<(usize, usize)>,
}

impl TablePanel {
    /// Whether a cell is marked.
    pub(super) fn is_marked(&self, row: &usize, column: &usize) -> bool {
        self.marked.contains(&(*row, *column))
    }
}

/// What is drawn: a template of `templates/tasks/scenes/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scene {
    Street,
    Person,
    Invoice,
    Chair,
    Maze,
    Arm,
    Graph,
    Noise,
}

/// How it is drawn: the style sheet colours the parts of a scene by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    #[default]
    Photo,
    Night,
    Segments,
    Depth,
    Mask,
    Sketch,
    Dim,
    Wireframe,
    Keypoints,
    Path,
}

impl Mode {
    /// The class of the drawing.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Photo => "scene-photo",
            Self::Night => "scene-night",
            Self::Segments => "scene-segments",
            Self::Depth => "scene-depth",
            Self::Mask => "scene-mask",
            Self::Sketch => "scene-sketch",
            Self::Dim => "scene-dim",
            Self::Wireframe => "scene-wireframe",
            Self::Keypoints => "scene-keypoints",
            Self::Path => "scene-path",
        }
    }
}

/// A drawing with marks on it. Places are in units of a drawing of 320 by 200.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImagePanel {
    pub label: String,
    pub scene: Scene,
    #[serde(default)]
    pub mode: Mode,
    /// What can be seen, for those who do not see it.
    pub alt: String,
    #[serde(default)]
    pub boxes: Vec<BoxMark>,
    #[serde(default)]
    pub points: Vec<PointMark>,
}

/// A rectangle around something.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BoxMark {
    pub label: String,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    /// Which of the chart colours it has.
    pub color: u32,
}

impl BoxMark {
    /// The width of the tag that holds its label.
    pub(super) fn tag_width(&self) -> usize {
        self.label.chars().count() * 6 + 8
    }
}

/// A place somebody pointed at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PointMark {
    pub x: u32,
    pub y: u32,
}

/// A recording, as its wave form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AudioPanel {
    pub label: String,
    pub wave: drawing::Wave,
    pub seconds: u32,
    /// Parts of it that have a label.
    #[serde(default)]
    pub segments: Vec<Segment>,
}

/// A part of a recording; its ends are percentages of the whole.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Segment {
    pub label: String,
    pub start: u32,
    pub end: u32,
}

impl Segment {
    /// Its length.
    pub(super) fn width(&self) -> u32 {
        self.end.saturating_sub(self.start)
    }
}

impl AudioPanel {
    /// The bars of the wave form.
    pub(super) fn bars(&self) -> Vec<Bar> {
        drawing::wave(self.wave)
    }
}

/// A clip, as four frames in which the car moves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VideoPanel {
    pub label: String,
    pub scene: Scene,
    #[serde(default)]
    pub mode: Mode,
    /// What can be seen, for those who do not see it.
    pub alt: String,
}

impl VideoPanel {
    /// How far the car has moved in each frame.
    pub(super) const fn shifts(&self) -> [i32; 4] {
        [-96, -44, 8, 60]
    }
}

/// Measurements over time, and perhaps their continuation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesPanel {
    pub label: String,
    /// What can be seen, for those who do not see it.
    pub alt: String,
    pub values: Vec<f64>,
    #[serde(default)]
    pub forecast: Vec<f64>,
    #[serde(default)]
    pub low: Vec<f64>,
    #[serde(default)]
    pub high: Vec<f64>,
}

impl SeriesPanel {
    /// The lines to draw.
    pub(super) fn plot(&self) -> Plot {
        drawing::plot(&self.values, &self.forecast, &self.low, &self.high)
    }
}

/// Numbers that stand for something.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VectorPanel {
    pub label: String,
    /// How many there are in all.
    pub dimensions: u32,
    /// The first of them, between -1 and 1.
    pub values: Vec<f64>,
}

impl VectorPanel {
    /// The cells to draw: class and strength of each.
    pub(super) fn cells(&self) -> Vec<(&'static str, String)> {
        let class = |value: f64| if value < 0.0 { "vector-cell vector-cell-below" } else { "vector-cell" };
        self.values.iter().map(|value| (class(*value), format!("{:.2}", (value.abs() * 1.6).clamp(0.06, 1.0)))).collect()
    }

    /// The first numbers as text.
    pub(super) fn shown(&self) -> String {
        self.values.iter().take(4).map(|value| format!("{value:.2}")).collect::<Vec<_>>().join(", ")
    }
}

/// A conversation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChatPanel {
    pub label: String,
    pub messages: Vec<Message>,
}

/// What one side says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub role: Role,
    pub text: String,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Role {
    User,
    Assistant,
}

impl Role {
    /// Its name in style sheets.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    /// In words.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Assistant => "Assistant",
        }
    }
}

/// Some texts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemsPanel {
    pub label: String,
    pub items: Vec<String>,
}
