//! The SOAP envelope: written around a request, taken off an answer.

use std::sync::Arc;
use std::time::Duration;

use super::xml::{self, Element, escaped};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(super) const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
pub(super) const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// The version of the schema that requests are written in: the newest that all servers still in service know.
const VERSION: &str = "Exchange2013_SP1";

/// A request with this body, in the name of the mailbox with the address `impersonated` where one is given.
pub(super) fn written(body: &str, impersonated: Option<&str>) -> String {
    let impersonation = impersonated.map_or_else(String::new, |address| {
        format!(
            "<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>{}</t:SmtpAddress></t:ConnectingSID>\
             </t:ExchangeImpersonation>",
            escaped(address)
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{SOAP}\" xmlns:t=\"{TYPES}\" \
         xmlns:m=\"{MESSAGES}\"><soap:Header><t:RequestServerVersion Version=\"{VERSION}\"/>{impersonation}\
         </soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
    )
}

/// What Exchange says where it refuses: the whole request in a SOAP fault, or one part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// `ResponseCode`.
    pub(super) code: String,
    /// `MessageText`.
    pub(super) message: String,
    /// `BackOffMilliseconds`.
    pub(super) back_off: Option<Duration>,
}

/// What was answered to one part of a request.
#[derive(Clone, Debug)]
pub(super) struct Told {
    text: Arc<str>,
    message: Arc<Element>,
}

impl Told {
    /// The response message.
    pub(super) fn message(&self) -> &Element {
        &self.message
    }

    /// An element of it, byte for byte as it was written.
    pub(super) fn raw(&self, element: &Element) -> &str {
        self.text.get(element.span.clone()).unwrap_or_default()
    }
}

/// Takes an answer apart.
#[derive(Debug)]
pub(super) enum Answer {
    /// One result per part of the request.
    Messages(Vec<Result<Told, Refusal>>),
    /// A SOAP fault.
    Fault(Refusal),
}

/// Reads an answer; the error is what is wrong with it.
pub(super) fn read(body: Vec<u8>) -> Result<Answer, String> {
    // One wrong byte in one mail must not keep the answer away.
    let text = String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let mut root = xml::read(&text)?;
    if root.name != "Envelope" {
        return Err(format!("the answer is no SOAP envelope but <{}>", root.name));
    }
    let body = root.children.iter_mut().find(|child| child.name == "Body");
    let response = body.and_then(|body| body.children.pop()).ok_or("the envelope is empty")?;
    if response.name == "Fault" {
        return Ok(Answer::Fault(of_fault(&response)));
    }
    let messages = response
        .children
        .into_iter()
        .find(|child| child.name == "ResponseMessages")
        .ok_or_else(|| format!("<{}> has no response messages", response.name))?;
    let text: Arc<str> = text.into();
    let told = messages.children.into_iter().map(|message| match message.attribute("ResponseClass") {
        // A warning comes with nothing done in one case: the batch was stopped before this part.
        Some("Success") => Ok(Told { text: Arc::clone(&text), message: Arc::new(message) }),
        Some("Warning") if message.text_of("ResponseCode") == Some("NoError") => {
            Ok(Told { text: Arc::clone(&text), message: Arc::new(message) })
        }
        _ => Err(Refusal {
            code: message.text_of("ResponseCode").unwrap_or_default().trim().to_owned(),
            message: message.text_of("MessageText").unwrap_or_default().to_owned(),
            back_off: back_off(&message),
        }),
    });
    Ok(Answer::Messages(told.collect()))
}

fn of_fault(fault: &Element) -> Refusal {
    let detail = fault.child("detail");
    let code = detail
        .and_then(|detail| detail.text_of("ResponseCode"))
        .or_else(|| {
            let code = fault.text_of("faultcode")?;
            Some(code.rsplit(':').next().unwrap_or(code))
        })
        .unwrap_or_default();
    let message = detail
        .and_then(|detail| detail.text_of("Message"))
        .or_else(|| fault.text_of("faultstring"))
        .unwrap_or_default();
    Refusal { code: code.trim().to_owned(), message: message.to_owned(), back_off: back_off(fault) }
}

/// `BackOffMilliseconds` of a fault or a response message.
fn back_off(within: &Element) -> Option<Duration> {
    let values = within.all("Value");
    let value = values.into_iter().find(|value| value.attribute("Name") == Some("BackOffMilliseconds"))?;
    value.text.trim().parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: &str = r#"<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
        <faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:ErrorServerBusy</faultcode>
        <faultstring xml:lang="en-US">The server cannot service this request right now. Try again later.</faultstring>
        <detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">ErrorServerBusy</e:ResponseCode>
        <e:Message xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">Busy.</e:Message>
        <t:MessageXml xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">
        <t:Value Name="BackOffMilliseconds">25000</t:Value></t:MessageXml></detail></s:Fault></s:Body></s:Envelope>"#;

    #[test]
    fn a_fault_names_its_code_and_its_pause() {
        let Ok(Answer::Fault(refusal)) = read(FAULT.as_bytes().to_vec()) else { panic!("a fault") };
        assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("ErrorServerBusy", "Busy."));
        assert_eq!(refusal.back_off, Some(Duration::from_secs(25)));
        let bare = FAULT.replace("detail", "nothing");
        let Ok(Answer::Fault(refusal)) = read(bare.into_bytes()) else { panic!("a fault") };
        assert_eq!(refusal.code, "ErrorServerBusy");
    }

    #[test]
    fn each_part_has_its_own_answer() {
        let answer = r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/><s:Body><m:GetItemResponse>
            <m:ResponseMessages><m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>
              <m:Items><t:Message><t:ItemId Id="a"/></t:Message></m:Items></m:GetItemResponseMessage>
            <m:GetItemResponseMessage ResponseClass="Error"><m:MessageText>Busy.</m:MessageText>
              <m:ResponseCode>ErrorServerBusy</m:ResponseCode><m:MessageXml>
              <t:Value Name="BackOffMilliseconds">5000</t:Value></m:MessageXml></m:GetItemResponseMessage>
            <m:GetItemResponseMessage ResponseClass="Warning"><m:MessageText>Stopped.</m:MessageText>
              <m:ResponseCode>ErrorBatchProcessingStopped</m:ResponseCode></m:GetItemResponseMessage>
            </m:ResponseMessages></m:GetItemResponse></s:Body></s:Envelope>"#;
        let Ok(Answer::Messages(told)) = read(answer.as_bytes().to_vec()) else { panic!("messages") };
        let first = told[0].as_ref().expect("a success");
        let item = first.message().at(&["Items", "Message"]).expect("a message");
        assert_eq!(first.raw(item), r#"<t:Message><t:ItemId Id="a"/></t:Message>"#);
        let busy = told[1].as_ref().expect_err("busy");
        assert_eq!((busy.code.as_str(), busy.back_off), ("ErrorServerBusy", Some(Duration::from_secs(5))));
        assert_eq!(told[2].as_ref().expect_err("stopped").code, "ErrorBatchProcessingStopped");
    }

    #[test]
    fn what_is_no_envelope_is_told_as_such() {
        for body in [
            "",
            "<html></html>",
            "<a><Body/></a>",
            "<s:Envelope/>",
            "<s:Envelope><s:Body><x/></s:Body></s:Envelope>",
        ] {
            assert!(read(body.as_bytes().to_vec()).is_err(), "{body}");
        }
    }

    #[test]
    fn an_address_does_not_break_the_envelope() {
        let envelope = written("<m:GetFolder/>", Some("a&b<c>@contoso.test"));
        let root = xml::read(&envelope).expect("a document");
        let address = root
            .at(&["Header", "ExchangeImpersonation", "ConnectingSID", "SmtpAddress"])
            .expect("an address");
        assert_eq!(address.text, "a&b<c>@contoso.test");
        assert!(!written("<m:GetFolder/>", None).contains("Impersonation"));
    }
}
