// Loads one module per behaviour. Pages work without any of them; a module finds its own [data-*] hooks.
import "./theme-toggle.js";
import "./copy-button.js";
import "./menu.js";
import "./quick-search.js";
import "./menu-filter.js";
import "./find-file.js";
import "./confirm-dialog.js";
import "./live-list.js";
import "./range-slider.js";
import "./line-links.js";
import "./like.js";
import "./card-editor.js";
import "./use-dialog.js";
import "./diff-files.js";

// What is large and that few pages need.
const FOR_SOME_PAGES = { "form[data-upload]": "./upload.js", "form[data-file-editor]": "./file-editor.js" };
for (const [hook, module] of Object.entries(FOR_SOME_PAGES)) if (document.querySelector(hook)) import(module);
