// The editor of text files: an EditorView in a shadow root, whose style sheets a strict policy lets in.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import { python } from "@codemirror/lang-python";
import { yaml, yamlFrontmatter } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const codeLanguages = (info) => LANGUAGES[info.toLowerCase()]?.().language ?? null;
const markdownWithFrontmatter = () => yamlFrontmatter({ content: markdown({ codeLanguages }) });
const LANGUAGES = {
  md: markdownWithFrontmatter, markdown: markdownWithFrontmatter, mdx: markdownWithFrontmatter,
  json: json, jsonl: json, ipynb: json, yaml: yaml, yml: yaml, py: python, pyi: python, python: python,
};

/** The language of a file's name, or nothing. */
function languageOf(name) {
  return LANGUAGES[name.split(".").pop().toLowerCase()]?.() ?? [];
}

const highlighting = HighlightStyle.define([
  { tag: [tags.comment, tags.meta], color: "var(--code-comment)" },
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.monospace], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.function(tags.variableName), tags.definition(tags.propertyName)], color: "var(--code-function)" },
  { tag: [tags.typeName, tags.className, tags.tagName], color: "var(--code-type)" },
  { tag: [tags.propertyName, tags.attributeName], color: "var(--code-variable)" },
  { tag: tags.heading, color: "var(--code-function)", fontWeight: "600" },
  { tag: [tags.link, tags.url], color: "var(--color-link)" },
  { tag: tags.strong, fontWeight: "600" },
  { tag: tags.emphasis, fontStyle: "italic" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--code-text)", backgroundColor: "var(--color-surface)", fontSize: "var(--text-sm)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.6", minHeight: "24rem", maxHeight: "70dvh", overflow: "auto" },
  ".cm-content": { caretColor: "var(--color-text)", padding: "0.75rem 0" },
  ".cm-line": { padding: "0 1rem 0 0.75rem" },
  ".cm-gutters": { backgroundColor: "var(--color-surface)", color: "var(--color-text-subtle)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "3rem", padding: "0 0.5rem 0 0.75rem" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklab, var(--color-surface-hover) 70%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--color-text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--color-surface-selected)" },
  ".cm-panels": { backgroundColor: "var(--color-surface-sunken)", color: "var(--color-text)", borderColor: "var(--color-border)" },
  ".cm-panel.cm-search input, .cm-panel.cm-search button": { fontSize: "var(--text-sm)", color: "var(--color-text)", background: "var(--color-surface)", border: "1px solid var(--color-border-input)", borderRadius: "var(--radius-small)" },
  ".cm-searchMatch": { backgroundColor: "var(--code-target)" },
  ".cm-selectionMatch": { backgroundColor: "var(--color-accent-soft)" },
});

const language = new Compartment();

/** Takes the language of another name. */
export function setName(view, name) {
  view.dispatch({ effects: language.reconfigure(languageOf(name)) });
}

/** Chromium writes the style of what is typed over into the text, which a strict policy forbids: so it does not get to. */
const typingOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || !event.data || view.composing || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

/** Puts an editor into a shadow root; `onChange` hears of every change of the text. */
export function createEditor({ root, text, name, label, onChange }) {
  return new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(),
        bracketMatching(), highlightActiveLine(), highlightSelectionMatches(), search({ top: true }),
        indentUnit.of(/\.pyi?$/.test(name) ? "    " : "  "), EditorState.tabSize.of(4), EditorView.lineWrapping,
        keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap, indentWithTab]),
        syntaxHighlighting(highlighting), theme, typingOver, language.of(languageOf(name)),
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => { if (update.docChanged) onChange(update.state.doc.toString()); }),
      ],
    }),
  });
}
