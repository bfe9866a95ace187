// Switches between light and dark and remembers it in a cookie, which the server reads: no flash on the next page.
const ONE_YEAR_SECS = 31_536_000;
// By TLS no neighbour under the same domain can set it.
const [COOKIE, SECURE] = location.protocol === "https:" ? ["__Host-theme", "; secure"] : ["theme", ""];

function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = currentTheme() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    document.cookie = `${COOKIE}=${theme}; path=/; max-age=${ONE_YEAR_SECS}; samesite=lax${SECURE}`;
  });
}
