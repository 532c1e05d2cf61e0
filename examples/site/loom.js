document.addEventListener("DOMContentLoaded", () => {
    for (const cell of document.querySelectorAll("td.price"))
        cell.textContent = "\u20ac " + cell.textContent;
});
