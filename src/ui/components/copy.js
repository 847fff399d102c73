{
  // Copies the text before the button. Browsers offer that over https and on this machine only.
  const button = document.currentScript.previousElementSibling;
  const text = button.previousElementSibling;
  if (navigator.clipboard) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 3000);
    });
    button.hidden = false;
  }
}
