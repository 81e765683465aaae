//! A browser without a screen: follows links and redirects, keeps cookies, fills in forms. The demo signs in with it and so
//! do the end-to-end tests: what works here works without a script in a real one.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use url::Url;

/// Redirects followed before something must be wrong.
const MOST_REDIRECTS: usize = 20;

/// A browser: cookies by origin.
#[derive(Debug)]
pub struct Browser {
    http: Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// A page that was loaded.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its address, after redirects.
    pub url: Url,
    /// The status.
    pub status: StatusCode,
    /// The HTML.
    pub html: String,
    /// Its forms, in order.
    pub forms: Vec<Form>,
    /// Its links: text and target.
    pub links: Vec<(String, Url)>,
}

/// A form of a page.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it goes.
    pub action: Url,
    /// Whether it is sent with POST.
    pub post: bool,
    /// Fields with the values they have.
    pub fields: Vec<(String, String)>,
    /// Named buttons: name, value, text.
    pub buttons: Vec<(String, String, String)>,
    /// Options of each select: value and text.
    pub options: BTreeMap<String, Vec<(String, String)>>,
    /// All text in the form.
    pub text: String,
}

impl Form {
    /// Sets a field; adds it where the form has none of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether the form has a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name) || self.options.contains_key(name)
    }

    /// Chooses the option of a select whose text contains this.
    pub fn choosing(self, name: &str, text: &str) -> Result<Self> {
        let options = self.options.get(name).with_context(|| format!("the form has no select `{name}`"))?;
        let (value, _) = options
            .iter()
            .find(|(_, shown)| shown.to_lowercase().contains(&text.to_lowercase()))
            .with_context(|| format!("`{name}` offers no `{text}`: {options:?}"))?;
        let value = value.clone();
        Ok(self.with(name, &value))
    }

    /// Presses the button whose value or text contains this.
    pub fn pressing(self, text: &str) -> Result<Self> {
        let (name, value, _) = self
            .buttons
            .iter()
            .find(|(_, value, shown)| value == text || shown.to_lowercase().contains(&text.to_lowercase()))
            .with_context(|| format!("the form has no button `{text}`: {:?}", self.buttons))?
            .clone();
        Ok(if name.is_empty() { self } else { self.with(&name, &value) })
    }
}

impl Browser {
    /// A fresh one. `http` must not follow redirects by itself.
    pub fn new(http: Client) -> Self {
        Self { http, cookies: BTreeMap::new() }
    }

    /// Opens an address.
    pub async fn open(&mut self, url: &Url) -> Result<Page> {
        self.load(Method::GET, url.clone(), Vec::new()).await
    }

    /// Sends a form.
    pub async fn submit(&mut self, form: &Form) -> Result<Page> {
        if form.post {
            return self.load(Method::POST, form.action.clone(), form.fields.clone()).await;
        }
        let mut url = form.action.clone();
        url.query_pairs_mut().clear().extend_pairs(&form.fields);
        self.load(Method::GET, url, Vec::new()).await
    }

    async fn load(
        &mut self,
        mut method: Method,
        mut url: Url,
        mut fields: Vec<(String, String)>,
    ) -> Result<Page> {
        for _ in 0..MOST_REDIRECTS {
            let origin = url.origin().ascii_serialization();
            let mut request = self.http.request(method.clone(), url.clone());
            if let Some(cookies) = self.cookies.get(&origin) {
                let line: Vec<String> =
                    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(COOKIE, line.join("; "));
            }
            if method == Method::POST {
                request = request.header(ORIGIN, &origin).form(&fields);
            }
            let answer = request.send().await.with_context(|| format!("{method} {origin}{}", url.path()))?;
            for cookie in answer.headers().get_all(SET_COOKIE) {
                self.keep(&origin, cookie.to_str().unwrap_or_default());
            }
            let status = answer.status();
            if status.is_redirection()
                && let Some(target) = answer.headers().get(LOCATION)
            {
                url = url.join(target.to_str().context("a redirect leads nowhere")?)?;
                if status != StatusCode::TEMPORARY_REDIRECT && status != StatusCode::PERMANENT_REDIRECT {
                    method = Method::GET;
                    fields = Vec::new();
                }
                continue;
            }
            let html = answer
                .headers()
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|value| value.starts_with("text/html"));
            let body = answer.text().await?;
            let mut page =
                Page { url: url.clone(), status, html: body, forms: Vec::new(), links: Vec::new() };
            if html {
                page.read();
            }
            return Ok(page);
        }
        bail!("{} redirects without an end", url.origin().ascii_serialization())
    }

    fn keep(&mut self, origin: &str, cookie: &str) {
        let mut parts = cookie.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let jar = self.cookies.entry(origin.to_owned()).or_default();
        let ends = parts.any(|part| part.trim().eq_ignore_ascii_case("max-age=0"));
        if ends || value.is_empty() {
            jar.remove(name.trim());
        } else {
            jar.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
}

impl Page {
    /// The form that has all these fields, buttons counted.
    pub fn form(&self, fields: &[&str]) -> Result<Form> {
        self.forms
            .iter()
            .find(|form| {
                fields
                    .iter()
                    .all(|name| form.has(name) || form.buttons.iter().any(|(button, _, _)| button == name))
            })
            .cloned()
            .ok_or_else(|| anyhow!("{} has no form with {fields:?}: {}", self.url.path(), self.said()))
    }

    /// The form whose text or address contains this.
    pub fn form_saying(&self, text: &str) -> Result<Form> {
        let text = text.to_lowercase();
        self.forms
            .iter()
            .find(|form| form.text.to_lowercase().contains(&text) || form.action.path().contains(&text))
            .cloned()
            .ok_or_else(|| anyhow!("{} has no form saying `{text}`: {}", self.url.path(), self.said()))
    }

    /// The link whose text contains this.
    pub fn link(&self, text: &str) -> Result<Url> {
        let text = text.to_lowercase();
        self.links
            .iter()
            .find(|(shown, _)| shown.to_lowercase().contains(&text))
            .map(|(_, url)| url.clone())
            .ok_or_else(|| anyhow!("{} has no link `{text}`: {}", self.url.path(), self.said()))
    }

    /// What the page says, shortened, for errors.
    pub fn said(&self) -> String {
        let dom = parse(&self.html);
        let mut text = String::new();
        collect_text(&dom.document, &mut text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{} {}", self.status, text.chars().take(400).collect::<String>())
    }

    fn read(&mut self) {
        let dom = parse(&self.html);
        let mut stack = vec![dom.document.clone()];
        while let Some(node) = stack.pop() {
            if let NodeData::Element { name, .. } = &node.data {
                match &*name.local {
                    "form" => self.forms.extend(read_form(&node, &self.url)),
                    "a" => {
                        if let Some(target) =
                            attribute(&node, "href").and_then(|href| self.url.join(&href).ok())
                        {
                            let mut text = attribute(&node, "aria-label").unwrap_or_default();
                            text.push(' ');
                            collect_text(&node, &mut text);
                            self.links.push((text.trim().to_owned(), target));
                        }
                    }
                    _ => {}
                }
            }
            stack.extend(node.children.borrow().iter().rev().cloned());
        }
    }
}

fn parse(html: &str) -> RcDom {
    html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(html)
}

fn attribute(node: &Handle, wanted: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else { return None };
    attrs.borrow().iter().find(|a| &*a.name.local == wanted).map(|a| a.value.to_string())
}

fn collect_text(node: &Handle, into: &mut String) {
    let mut stack = vec![node.clone()];
    while let Some(node) = stack.pop() {
        match &node.data {
            NodeData::Text { contents } => {
                into.push_str(&contents.borrow());
                into.push(' ');
            }
            NodeData::Element { name, .. } if ["script", "style", "svg"].contains(&&*name.local) => continue,
            _ => {}
        }
        stack.extend(node.children.borrow().iter().rev().cloned());
    }
}

fn read_form(form: &Handle, base: &Url) -> Option<Form> {
    let action =
        attribute(form, "action").map_or_else(|| Ok(base.clone()), |action| base.join(&action)).ok()?;
    let post = attribute(form, "method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
    let mut read = Form {
        action,
        post,
        fields: Vec::new(),
        buttons: Vec::new(),
        options: BTreeMap::new(),
        text: String::new(),
    };
    collect_text(form, &mut read.text);
    let mut stack: Vec<Handle> = form.children.borrow().iter().rev().cloned().collect();
    while let Some(node) = stack.pop() {
        if let NodeData::Element { name, .. } = &node.data {
            let field = attribute(&node, "name").unwrap_or_default();
            let value = attribute(&node, "value");
            match &*name.local {
                "input" => {
                    let kind = attribute(&node, "type").unwrap_or_default().to_lowercase();
                    match kind.as_str() {
                        "submit" => {
                            let value = value.unwrap_or_default();
                            read.buttons.push((field, value.clone(), value));
                        }
                        "checkbox" | "radio" if attribute(&node, "checked").is_none() => {}
                        "checkbox" | "radio" => {
                            read.fields.push((field, value.unwrap_or_else(|| "on".to_owned())));
                        }
                        "file" | "button" | "reset" => {}
                        _ if field.is_empty() => {}
                        _ => read.fields.push((field, value.unwrap_or_default())),
                    }
                }
                "textarea" if !field.is_empty() => {
                    let mut text = String::new();
                    collect_text(&node, &mut text);
                    read.fields.push((field, text.trim().to_owned()));
                }
                "button" => {
                    let mut text = attribute(&node, "aria-label").unwrap_or_default();
                    collect_text(&node, &mut text);
                    read.buttons.push((field, value.unwrap_or_default(), text.trim().to_owned()));
                }
                "select" if !field.is_empty() => {
                    let options = read_options(&node);
                    let chosen = options.iter().find(|(_, _, selected)| *selected).or(options.first());
                    if let Some((value, _, _)) = chosen {
                        read.fields.push((field.clone(), value.clone()));
                    }
                    read.options
                        .insert(field, options.into_iter().map(|(value, text, _)| (value, text)).collect());
                    continue;
                }
                _ => {}
            }
        }
        stack.extend(node.children.borrow().iter().rev().cloned());
    }
    Some(read)
}

fn read_options(select: &Handle) -> Vec<(String, String, bool)> {
    let mut options = Vec::new();
    let mut stack: Vec<Handle> = select.children.borrow().iter().rev().cloned().collect();
    while let Some(node) = stack.pop() {
        if let NodeData::Element { name, .. } = &node.data
            && &*name.local == "option"
        {
            let mut text = String::new();
            collect_text(&node, &mut text);
            let text = text.trim().to_owned();
            let value = attribute(&node, "value").unwrap_or_else(|| text.clone());
            options.push((value, text, attribute(&node, "selected").is_some()));
            continue;
        }
        stack.extend(node.children.borrow().iter().rev().cloned());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> Page {
        let url = Url::parse("http://127.0.0.1:1/a/b").expect("valid");
        let mut page =
            Page { url, status: StatusCode::OK, html: html.to_owned(), forms: Vec::new(), links: Vec::new() };
        page.read();
        page
    }

    #[test]
    fn reads_forms_as_a_browser_would_send_them() {
        let page = page(
            "<form method=POST action='/go'><input type=hidden name=csrf value=x><input name=mail value='a@b'>
             <input type=checkbox name=no value=1><input type=checkbox name=yes value=1 checked>
             <select name=folder><option value=1>Inbox<option value=2 selected>Archive</select>
             <button name=do value=save>Save it</button></form>",
        );
        let form = page.form(&["csrf", "folder"]).expect("is there");
        assert!(form.post);
        assert_eq!(form.action.path(), "/go");
        let sent = |name: &str| form.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(
            (sent("csrf"), sent("no"), sent("yes"), sent("folder")),
            (Some("x"), None, Some("1"), Some("2"))
        );
        let form = form.choosing("folder", "inbox").expect("offered").pressing("save it").expect("a button");
        assert!(form.fields.contains(&("folder".into(), "1".into())));
        assert!(form.fields.contains(&("do".into(), "save".into())));
    }

    #[test]
    fn says_what_the_page_said_when_a_form_is_missing() {
        let error = page("<h1>Access denied</h1>").form(&["user"]).expect_err("missing");
        assert!(error.to_string().contains("Access denied"), "{error}");
    }
}
