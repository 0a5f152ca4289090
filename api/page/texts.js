// What the page says, in English and French, by the browser's language.

const TEXTS = {
  en: {
    language: "en", llm: "Model", extractive: "none (quotes only)", stop: "Stop", fresh: "New conversation",
    stopped: "Stopped. What is in italics was not checked.", searched: "Searched for: {question}",
    degraded: "{failed} did not answer; this is from {llm}.",
    interrupted: "The connection broke off before the answer was complete; ask again.",
    skip: "Skip to the question", collection: "Collection", askTitle: "Ask", question: "Your question",
    placeholder: "Ask your documents a question…", ask: "Ask", footnotes: "Footnotes",
    nearest: "Nearest passages", documents: "Documents", upload: "Add files (drop them here, or choose)",
    more: "Show more", close: "Close", keyTitle: "A key is needed",
    keyWhy: "This server asks for its key. It is kept until you close this tab.", key: "Key", keySend: "Continue",
    welcome: "Every sentence of an answer carries a footnote to the passage it rests on, and is checked against it.",
    searching: "Looking for passages…", writing: "Writing, and checking every sentence…",
    answered: "Answered and checked.", refused: "No answer in the documents.",
    noAnswer: "The documents do not answer this.", unverified: "This text could not be checked",
    empty: "No documents yet.", noCollection: "No documents yet: add files to begin.", page: "page {n}",
    supported: "supported", unsupported: "not supported", contradicted: "contradicted", not_checkable: "not checked",
    supported_count: "supported", unsupported_count: "not supported", contradicted_count: "contradicted",
    note: "Footnote {n}: {title}. {verdict}.", openAt: "Open the source at this passage",
    summary: "{counts} · groundedness {score} · {llm} · {seconds} s", removed: "{n} unsupported removed",
    sending: "Sending {n} files…", stage: "{stage}: {done} of {total} files", ingested: "{n} documents added or replaced.",
    nothingNew: "Nothing new in these files.", jobFailed: "The files could not be added: {why}",
    cancelled: "Cancelled.", unreachable: "The server cannot be reached; is it running?",
    failed: "Something went wrong ({code}): {detail}", chunks: "{n} passages", remove: "Remove {title}",
    confirmRemove: "Remove “{title}” from the collection? Its source file stays.", pages: "Page {n}",
  },
  fr: {
    language: "fr", llm: "Modèle", extractive: "aucun (citations seules)", stop: "Arrêter",
    fresh: "Nouvelle conversation", stopped: "Arrêté. Ce qui est en italique n’a pas été vérifié.",
    searched: "Recherché : {question}", degraded: "{failed} n’a pas répondu ; ceci vient de {llm}.",
    interrupted: "La connexion s’est interrompue avant la fin de la réponse ; posez la question à nouveau.",
    skip: "Aller à la question", collection: "Collection", askTitle: "Poser une question", question: "Votre question",
    placeholder: "Posez une question à vos documents…", ask: "Demander", footnotes: "Notes",
    nearest: "Passages les plus proches", documents: "Documents",
    upload: "Ajouter des fichiers (déposez-les ici ou choisissez)",
    more: "Afficher la suite", close: "Fermer", keyTitle: "Une clé est nécessaire",
    keyWhy: "Ce serveur demande sa clé. Elle est gardée jusqu’à la fermeture de cet onglet.", key: "Clé",
    keySend: "Continuer",
    welcome: "Chaque phrase d’une réponse porte une note vers le passage qui la fonde, et elle y est confrontée.",
    searching: "Recherche de passages…", writing: "Rédaction et vérification de chaque phrase…",
    answered: "Répondu et vérifié.",
    refused: "Pas de réponse dans les documents.", noAnswer: "Les documents ne répondent pas à cette question.",
    unverified: "Ce texte n’a pas pu être vérifié", empty: "Aucun document.",
    noCollection: "Aucun document : ajoutez des fichiers pour commencer.", page: "page {n}", supported: "étayée",
    unsupported: "non étayée", contradicted: "contredite", not_checkable: "non vérifiée",
    supported_count: "étayée(s)", unsupported_count: "non étayée(s)", contradicted_count: "contredite(s)",
    note: "Note {n} : {title}. Phrase {verdict}.", openAt: "Ouvrir la source à ce passage",
    summary: "{counts} · fidélité {score} · {llm} · {seconds} s", removed: "{n} non étayées retirées",
    sending: "Envoi de {n} fichiers…", stage: "{stage} : {done} fichiers sur {total}",
    ingested: "{n} documents ajoutés ou remplacés.", nothingNew: "Rien de nouveau dans ces fichiers.",
    jobFailed: "Les fichiers n’ont pas pu être ajoutés : {why}", cancelled: "Annulé.",
    unreachable: "Le serveur est injoignable ; est-il démarré ?", failed: "Une erreur est survenue ({code}) : {detail}",
    chunks: "{n} passages", remove: "Retirer {title}",
    confirmRemove: "Retirer « {title} » de la collection ? Le fichier d’origine reste.", pages: "Page {n}",
  },
};

const texts = TEXTS[navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en"];

/** The text of a key, with its {placeholders} filled in. */
export function say(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** A number as readers of this language write it. */
export function shown(number, digits = 0) {
  return number.toLocaleString(texts.language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Put the texts into the page, or a part of it. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of root.querySelectorAll("[data-placeholder]")) {
    element.placeholder = say(element.dataset.placeholder);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
  }
}
