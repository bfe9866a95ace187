// Loads one module per behaviour. Pages work without any of them; a module finds its own [data-*] hooks. What is large and
// that few pages need is named in their head.
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
