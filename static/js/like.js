// form[data-like="/api/…/like"]: a like changes in place. Whatever goes wrong, the form is sent as it is.
for (const form of document.querySelectorAll("form[data-like]")) {
  const button = form.querySelector("button");
  const count = form.parentElement.querySelector("[data-like-count]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const method = button.value === "yes" ? "POST" : "DELETE";
    const headers = { "x-csrf-token": form.elements.csrf_token.value };
    try {
      const response = await fetch(form.dataset.like, { method, headers });
      if (!response.ok) throw new Error(response.statusText);
      const { liked, likes } = await response.json();
      button.value = liked ? "no" : "yes";
      button.setAttribute("aria-pressed", String(liked));
      count.textContent = likes < 1000 ? likes : `${Math.floor(likes / 100) / 10}k`;
    } catch {
      const chosen = document.createElement("input");
      Object.assign(chosen, { type: "hidden", name: "like", value: button.value });
      form.append(chosen);
      form.submit();
    }
  });
}
