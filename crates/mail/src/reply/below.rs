//! Words by which a person says that the answers stand in the quoted text below.

use super::lower;

/// Longest text that is read as such a remark, in bytes; who writes more says more than that.
const LONGEST: usize = 1_500;

/// Whether these words point at answers within the quote. They are many programs' only sign of it, since they do not mark
/// what they quote line by line.
pub(super) fn points_below<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push(' ');
        if text.len() > LONGEST {
            return false;
        }
    }
    let text = lower(&text);
    WORDS.iter().any(|words| {
        text.match_indices(words).any(|(at, _)| {
            let spaced = words.is_ascii() || words.chars().all(|c| (c as u32) < 0x0E00);
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            !spaced || (edge(text[..at].chars().next_back()) && edge(text[at + words.len()..].chars().next()))
        })
    })
}

const WORDS: &[&str] = &[
    // English
    "inline",
    "in-line",
    "in line below",
    "in red",
    "in blue",
    "in green",
    "answers below",
    "answer below",
    "answered below",
    "comments below",
    "comment below",
    "commented below",
    "replies below",
    "responses below",
    "my notes below",
    "between the lines",
    // German
    "antworten unten",
    "antworten weiter unten",
    "kommentare unten",
    "anmerkungen unten",
    "im text unten",
    "unten im text",
    "direkt im text",
    "direkt in ihrer mail",
    "direkt in deiner mail",
    "zwischen den zeilen",
    "in rot",
    "in blau",
    "in grün",
    // French
    "réponses ci-dessous",
    "réponse ci-dessous",
    "commentaires ci-dessous",
    "dans le corps du message",
    "dans le corps de votre",
    "dans le texte ci-dessous",
    "en rouge",
    "en bleu",
    "en vert",
    // Spanish
    "respuestas abajo",
    "respuestas más abajo",
    "comentarios abajo",
    "respondo abajo",
    "respondo entre líneas",
    "entre líneas",
    "en rojo",
    "en azul",
    "en verde",
    // Portuguese
    "respostas abaixo",
    "comentários abaixo",
    "respondo abaixo",
    "a vermelho",
    "em vermelho",
    "em azul",
    // Italian
    "risposte sotto",
    "risposte di seguito",
    "risposte qui sotto",
    "commenti sotto",
    "commenti di seguito",
    "in rosso",
    "in blu",
    // Dutch
    "antwoorden hieronder",
    "antwoord hieronder",
    "opmerkingen hieronder",
    "in het rood",
    "in rood",
    "in het blauw",
    "tussen de regels",
    // Swedish, Danish, Norwegian
    "svar nedan",
    "kommentarer nedan",
    "i rött",
    "i blått",
    "svar nedenfor",
    "kommentarer nedenfor",
    "svar under",
    "med rødt",
    "i rødt",
    // Finnish
    "vastaukset alla",
    "vastaukseni alla",
    "kommentit alla",
    "punaisella",
    // Polish
    "odpowiedzi poniżej",
    "komentarze poniżej",
    "na czerwono",
    "na niebiesko",
    // Czech, Slovak
    "odpovědi níže",
    "komentáře níže",
    "odpovede nižšie",
    "červeně",
    // Russian, Ukrainian
    "ответы ниже",
    "комментарии ниже",
    "ответил ниже",
    "красным",
    "відповіді нижче",
    "червоним",
    // Hungarian, Romanian, Turkish, Greek
    "válaszok lent",
    "válaszaim lent",
    "pirossal",
    "răspunsuri mai jos",
    "cu roșu",
    "cevaplar aşağıda",
    "yanıtlar aşağıda",
    "kırmızı ile",
    "απαντήσεις παρακάτω",
    "με κόκκινο",
    // Chinese, Japanese, Korean
    "回复如下",
    "回覆如下",
    "红色字",
    "紅色字",
    "标红",
    "赤字",
    "インライン",
    "下記に回答",
    "빨간색",
    "아래에 답변",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Promise: whoever says that the answers stand below is understood in the languages of our users.
    #[rstest]
    #[case("Hi Ben, see my comments inline. Anna", true)]
    #[case("My answers below, in red.", true)]
    #[case("Meine Antworten unten in Rot.", true)]
    #[case("Mes réponses ci-dessous en rouge.", true)]
    #[case("Mis respuestas abajo, en rojo.", true)]
    #[case("Le mie risposte di seguito, in rosso", true)]
    #[case("Zie mijn antwoorden hieronder.", true)]
    #[case("Mina svar nedan.", true)]
    #[case("Moje odpowiedzi poniżej na czerwono", true)]
    #[case("Мои ответы ниже.", true)]
    #[case("回复如下，见红色字。", true)]
    #[case("The online printer is down, see the mail below.", false)]
    #[case("Inlined the function.", false)]
    #[case("Danke, wir melden uns.", false)]
    fn remarks_are_understood(#[case] text: &str, #[case] want: bool) {
        assert_eq!(points_below(text.lines()), want);
    }

    /// Promise: a long text is not searched for a remark.
    #[test]
    fn a_long_text_is_no_remark() {
        let long = format!("{} in red", "word ".repeat(400));
        assert!(!points_below([long.as_str()].into_iter()));
    }
}
