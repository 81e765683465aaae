//! Paragraphs that gateways, companies and lists add: notices of confidentiality, warnings that a mail came from outside, what
//! the law wants at the end of a letter, how to leave a list.
//!
//! Each is known by several expressions together, none of which would do alone: a person may well write that something
//! is confidential.

mod words;

use std::sync::LazyLock;

use regex::Regex;

use super::lower;
use words::{
    ADDED_WORDS, COMPANY_WORDS, CONFIDENTIAL_WORDS, HEADINGS, OUTSIDE_WORDS, PRINTING_WORDS, WARNING_WORDS,
};

/// Longest paragraph that is looked at, in bytes.
const LONGEST: usize = 8_000;
/// How wide a line is at least that was broken because it was too long, in characters.
const WRAPPED: usize = 45;

/// One expression for many words: found in a single pass over the text.
fn any(words: &[&str]) -> Regex {
    let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
    Regex::new(&words.join("|")).expect("fixed words")
}

static CONFIDENTIAL: LazyLock<Regex> = LazyLock::new(|| any(&CONFIDENTIAL_WORDS.concat()));
static OUTSIDE: LazyLock<Regex> = LazyLock::new(|| any(OUTSIDE_WORDS));
static WARNING: LazyLock<Regex> = LazyLock::new(|| {
    let words: Vec<String> = WARNING_WORDS.iter().map(|word| regex::escape(word)).collect();
    Regex::new(&format!(r"^[^\p{{L}}]{{0,12}}(?:{})", words.join("|"))).expect("fixed words")
});
static HEADING: LazyLock<Regex> = LazyLock::new(|| any(HEADINGS));
static PRINTING: LazyLock<Regex> = LazyLock::new(|| any(PRINTING_WORDS));
static COMPANY: LazyLock<Regex> = LazyLock::new(|| any(COMPANY_WORDS));
static ADDED: LazyLock<Regex> = LazyLock::new(|| any(ADDED_WORDS));

/// How many different words of an expression stand in a text, at most `enough`.
fn different(expression: &Regex, text: &str, enough: usize) -> usize {
    let mut found: Vec<&str> = Vec::with_capacity(enough);
    for one in expression.find_iter(text) {
        if !found.contains(&one.as_str()) {
            found.push(one.as_str());
            if found.len() == enough {
                break;
            }
        }
    }
    found.len()
}

/// What something on the way added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addition {
    /// A notice of confidentiality, or the wish to save paper.
    Disclaimer,
    /// A warning that the mail came from outside, as gateways put it above a mail.
    Banner,
    /// A line of a list or of a virus scanner.
    Line,
    /// What companies must say at the end of a letter: register, court, managers, numbers.
    Company,
}

/// What a paragraph is, if something on the way added it.
pub(super) fn addition(paragraph: &str) -> Option<Addition> {
    if paragraph.len() < 8 || paragraph.len() > LONGEST {
        return None;
    }
    let text = lower(paragraph.trim());
    match () {
        () if is_banner(&text) => Some(Addition::Banner),
        () if is_disclaimer(&text) => Some(Addition::Disclaimer),
        () if is_added(&text) => Some(Addition::Line),
        () if is_company_line(&text) => Some(Addition::Company),
        () => None,
    }
}

/// Where a notice begins in a paragraph of lines, given that they are one: a person's last line may stand right above it, and is
/// short.
pub(super) fn begin(lines: &[&str]) -> usize {
    let tells = |line: &&str| {
        let text = lower(line);
        CONFIDENTIAL.is_match(&text) || HEADING.is_match(&text) || OUTSIDE.is_match(&text)
    };
    let mut begin = lines.iter().position(tells).unwrap_or(0);
    while begin > 0 && lines[begin - 1].trim().chars().count() >= WRAPPED {
        begin -= 1;
    }
    begin
}

fn is_disclaimer(text: &str) -> bool {
    if text.len() < 40 {
        // Its heading on a line of its own.
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        return HEADINGS.iter().any(|heading| heading.trim_end_matches(':') == bare);
    }
    if text.len() <= 300 && PRINTING.is_match(text) {
        return true;
    }
    let begins = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let headed = HEADING.find(begins).is_some_and(|heading| heading.start() == 0);
    match different(&CONFIDENTIAL, text, 3) {
        3 => text.len() >= 80,
        2 => text.len() >= 140 || headed,
        1 => headed,
        _ => false,
    }
}

fn is_banner(text: &str) -> bool {
    text.len() >= 12
        && text.len() <= 1_500
        && ((WARNING.is_match(text) && OUTSIDE.is_match(text))
            || (text.contains("often get email from") && text.contains("learn why this is important")))
}

fn is_company_line(text: &str) -> bool {
    text.len() >= 20 && text.len() <= 1_500 && different(&COMPANY, text, 2) == 2
}

fn is_added(text: &str) -> bool {
    text.len() >= 10
        && text.len() <= 400
        && (ADDED.is_match(text) || (text.ends_with("mailing list") && text.len() <= 100))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Promise: notices of confidentiality are known in the languages of our users.
    #[rstest]
    #[case::english(
        "This e-mail may contain confidential information. If you are not the intended recipient, please tell us and delete it."
    )]
    #[case::english_heading("CONFIDENTIALITY NOTICE: this message is confidential.")]
    #[case::german(
        "Diese E-Mail enthält vertrauliche Informationen. Haben Sie sie irrtümlich erhalten, so informieren Sie bitte den Absender und löschen Sie diese Nachricht."
    )]
    #[case::french(
        "Ce message est confidentiel. Si vous l'avez reçu par erreur, merci d'en informer l'expéditeur et de le détruire ; toute diffusion est interdite."
    )]
    #[case::spanish(
        "Este correo es confidencial y va dirigido solo a su destinatario. Si lo recibe por error, elimine este mensaje; queda prohibida su copia."
    )]
    #[case::portuguese(
        "Esta mensagem é confidencial e destina-se apenas ao destinatário. Se a recebeu por engano, apague esta mensagem e avise o remetente."
    )]
    #[case::italian(
        "Le informazioni di questo messaggio sono riservate. Chi lo riceve per errore è pregato di avvisare il mittente e di distruggere ogni copia."
    )]
    #[case::dutch(
        "De inhoud van dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Hebt u het ten onrechte ontvangen, waarschuw dan de afzender."
    )]
    #[case::swedish(
        "Detta meddelande är konfidentiellt. Har du fått det av misstag ber vi dig att meddela avsändaren och radera det."
    )]
    #[case::danish(
        "Denne mail er fortrolig. Har du fået den ved en fejl, bedes du kontakte afsenderen og slette den."
    )]
    #[case::norwegian(
        "Denne e-posten er konfidensiell. Har du mottatt den ved en feil, ber vi deg varsle avsender og slette den."
    )]
    #[case::finnish(
        "Tämä viesti on luottamuksellinen ja tarkoitettu vain vastaanottajalle. Jos sait sen erehdyksessä, tuhoa viesti."
    )]
    #[case::polish(
        "Wiadomość jest poufna i przeznaczona wyłącznie dla adresata. Jeśli trafiła do Państwa omyłkowo, prosimy powiadomić nadawcę i usunąć ją."
    )]
    #[case::czech(
        "Tato zpráva je důvěrná. Pokud jste ji obdrželi omylem, informujte odesílatele a vymažte ji; šíření je zakázáno."
    )]
    #[case::russian(
        "Это сообщение конфиденциально. Если вы получили его по ошибке, уведомите отправителя и удалите письмо."
    )]
    #[case::hungarian(
        "Ez az üzenet bizalmas és kizárólag a címzettnek szól. Ha tévedésből kapta meg, értesítse a feladót és törölje."
    )]
    #[case::turkish(
        "Bu ileti gizlidir ve yalnızca alıcısı içindir. Yanlışlıkla aldıysanız göndereni bilgilendirip iletiyi siliniz."
    )]
    #[case::chinese(
        "本邮件及其附件含有保密信息，仅限收件人使用。如您误收本邮件，请立即通知发件人并删除，禁止任何形式的传播和使用。"
    )]
    #[case::printing("Please consider the environment before printing this e-mail.")]
    fn disclaimers_are_known(#[case] text: &str) {
        assert_eq!(addition(text), Some(Addition::Disclaimer));
    }

    /// Promise: a person who writes of confidence, errors and deletion is not a disclaimer.
    #[rstest]
    #[case("Please treat this as confidential, we have told nobody yet.")]
    #[case("I got the invoice in error, please delete it.")]
    #[case("Bitte löschen Sie diese Datei, sie enthält vertrauliche Daten.")]
    #[case(
        "We discussed the distribution of the new release and who will be notified when it is out on Monday."
    )]
    fn persons_are_no_disclaimers(#[case] text: &str) {
        assert_eq!(addition(text), None);
    }

    /// Promise: warnings about mail from outside are known in the languages of our users.
    #[rstest]
    #[case("CAUTION: This email originated from outside of the organization. Do not click links.")]
    #[case("[EXTERNAL] This message came from outside our organisation")]
    #[case("You don't often get email from anna@example.com. Learn why this is important")]
    #[case("ACHTUNG: Diese E-Mail stammt von außerhalb der Organisation.")]
    #[case("ATTENTION : ce courriel provient d'un expéditeur externe.")]
    #[case("ATENCIÓN: este correo procede de fuera de la organización.")]
    #[case("ATENÇÃO: este e-mail veio de fora da organização.")]
    #[case("ATTENZIONE: mittente esterno")]
    #[case("LET OP: deze e-mail komt van buiten de organisatie.")]
    #[case("VARNING: avsändaren finns utanför organisationen.")]
    #[case("ADVARSEL: denne e-post kommer fra utenfor organisasjonen.")]
    #[case("UWAGA: wiadomość pochodzi spoza organizacji.")]
    #[case("UPOZORNĚNÍ: zpráva přišla od externího odesílatele.")]
    #[case("ВНИМАНИЕ: внешний отправитель")]
    #[case("DİKKAT: Bu e-posta kurum dışı bir adresten geldi.".trim())]
    #[case("注意：此邮件来自组织外部。")]
    #[case("【社外】外部から届いたメールです。ご注意ください。")]
    fn banners_are_known(#[case] text: &str) {
        assert_eq!(addition(text), Some(Addition::Banner), "{text}");
    }

    #[rstest]
    #[case("An external sender wrote to me and I do not know what to do.")]
    #[case("Warning: the printer is on fire.")]
    fn persons_are_no_banners(#[case] text: &str) {
        assert_eq!(addition(text), None);
    }

    /// Promise: the lines of a company's register are known, a sentence about one is not.
    #[test]
    fn company_lines_are_known() {
        assert_eq!(
            addition("Geschäftsführer: Ben Holm | Amtsgericht Musterstadt HRB 1234"),
            Some(Addition::Company)
        );
        assert_eq!(
            addition("Registered office: 1 Road, London. Registered in England, company number 1234"),
            Some(Addition::Company)
        );
        assert_eq!(addition("Unser Geschäftsführer kommt am Montag um zehn Uhr vorbei."), None);
    }
}
