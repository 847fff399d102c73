{
  // Shows what is typed into the field, and hides it again before the form leaves.
  const button = document.currentScript.previousElementSibling;
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", shown);
  };
  button.addEventListener("click", () => show(field.type === "password"));
  field.form.addEventListener("submit", () => show(false));
  button.hidden = false;
}
