//! The published schemas of EWS: every answer is held against them, and so is what the simulator thinks of requests.

use std::fmt::Write as _;
use std::process::Command;

use crate::client::{SUPPORT, world};
use crate::envelopes::{Folder, faults, published, skip};

/// Checks an answer in SOAP, a fault too: the whole envelope.
pub(crate) fn check(envelope: &str) {
    if let Some(wrong) = faults([envelope]) {
        assert!(wrong.is_empty(), "{wrong}");
    }
}

/// An element: its start tag's inside, its children, its text.
#[derive(Clone, Debug)]
struct Element {
    tag: String,
    children: Vec<Element>,
    text: String,
}

/// Reads a message that has no comments and no self-closing tags with slashes in values.
fn parse(text: &str) -> Element {
    let mut open: Vec<Element> =
        vec![Element { tag: String::new(), children: Vec::new(), text: String::new() }];
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        open.last_mut().expect("one is open").text.push_str(&rest[..at]);
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        if tag.starts_with('/') {
            let done = open.pop().expect("one is open");
            open.last_mut().expect("one is open").children.push(done);
        } else {
            let element = Element {
                tag: tag.trim_end_matches('/').to_owned(),
                children: Vec::new(),
                text: String::new(),
            };
            if tag.ends_with('/') {
                open.last_mut().expect("one is open").children.push(element);
            } else {
                open.push(element);
            }
        }
        rest = &rest[end + 1..];
    }
    open.remove(0).children.remove(0)
}

impl Element {
    fn write(&self, out: &mut String) {
        let name = self.tag.split_whitespace().next().unwrap_or_default();
        let _ = write!(out, "<{}>{}", self.tag, self.text);
        self.children.iter().for_each(|child| child.write(out));
        let _ = write!(out, "</{name}>");
    }

    /// Every message that differs from this one in one place.
    fn mutants(&self) -> Vec<Element> {
        let mut all = Vec::new();
        if let Some((name, attributes)) = self.tag.split_once(' ') {
            // Namespaces are declared at the top only, and stay there.
            if !attributes.contains("xmlns") {
                all.push(Element { tag: name.to_owned(), ..self.clone() });
            }
        }
        // xmllint takes any text for base64, which Exchange does not.
        if !self.text.is_empty() && self.tag != "t:Content" {
            all.push(Element { text: "?".to_owned(), ..self.clone() });
        }
        for at in 0..self.children.len() {
            let mut without = self.clone();
            without.children.remove(at);
            all.push(without);
            let mut twice = self.clone();
            twice.children.insert(at, self.children[at].clone());
            all.push(twice);
            if at > 0 {
                let mut swapped = self.clone();
                swapped.children.swap(at - 1, at);
                all.push(swapped);
            }
            let mut renamed = self.clone();
            renamed.children[at].tag = match self.children[at].tag.split_at(2) {
                ("t:", rest) => format!("m:{rest}"),
                (_, rest) => format!("t:{rest}"),
            };
            all.push(renamed);
            for inner in self.children[at].mutants() {
                let mut mutant = self.clone();
                mutant.children[at] = inner;
                all.push(mutant);
            }
        }
        all
    }
}

const SAMPLES: [&str; 19] = [
    "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI=\"folder:DisplayName\"/></t:AdditionalProperties></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"><t:Mailbox><t:EmailAddress>a@contoso.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId><t:FolderId Id=\"x\"/></m:FolderIds></m:GetFolder>",
    "<m:FindFolder Traversal=\"Deep\"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:IndexedPageFolderView MaxEntriesReturned=\"5\" Offset=\"0\" BasePoint=\"Beginning\"/><m:Restriction><t:Contains ContainmentMode=\"Prefixed\"><t:FieldURI FieldURI=\"folder:DisplayName\"/><t:Constant Value=\"a\"/></t:Contains></m:Restriction><m:ParentFolderIds><t:DistinguishedFolderId Id=\"root\"/></m:ParentFolderIds></m:FindFolder>",
    "<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id=\"inbox\"/></m:ParentFolderId><m:Folders><t:Folder><t:FolderClass>IPF.Note</t:FolderClass><t:DisplayName>n</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>",
    "<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id=\"x\"/><t:Updates><t:SetFolderField><t:FieldURI FieldURI=\"folder:DisplayName\"/><t:Folder><t:DisplayName>n</t:DisplayName></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>",
    "<m:DeleteFolder DeleteType=\"HardDelete\"><m:FolderIds><t:FolderId Id=\"x\"/></m:FolderIds></m:DeleteFolder>",
    "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:SyncFolderId><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:SyncFolderId><m:SyncState>x</m:SyncState></m:SyncFolderHierarchy>",
    "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id=\"inbox\"/></m:SyncFolderId><m:SyncState>x</m:SyncState><m:Ignore><t:ItemId Id=\"x\"/></m:Ignore><m:MaxChangesReturned>5</m:MaxChangesReturned><m:SyncScope>NormalItems</m:SyncScope></m:SyncFolderItems>",
    "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:ExtendedFieldURI PropertyTag=\"0x1035\" PropertyType=\"String\"/><t:IndexedFieldURI FieldURI=\"item:InternetMessageHeader\" FieldIndex=\"x\"/></t:AdditionalProperties></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned=\"5\" Offset=\"0\" BasePoint=\"End\"/><m:Restriction><t:And><t:IsEqualTo><t:FieldURI FieldURI=\"message:IsRead\"/><t:FieldURIOrConstant><t:Constant Value=\"true\"/></t:FieldURIOrConstant></t:IsEqualTo><t:Not><t:Exists><t:FieldURI FieldURI=\"item:Categories\"/></t:Exists></t:Not></t:And></m:Restriction><m:SortOrder><t:FieldOrder Order=\"Ascending\"><t:FieldURI FieldURI=\"item:DateTimeReceived\"/></t:FieldOrder></m:SortOrder><m:ParentFolderIds><t:DistinguishedFolderId Id=\"inbox\"/></m:ParentFolderIds></m:FindItem>",
    "<m:GetItem><m:ItemShape><t:BaseShape>Default</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent><t:BodyType>Best</t:BodyType><t:FilterHtmlContent>false</t:FilterHtmlContent><t:ConvertHtmlCodePageToUTF8>true</t:ConvertHtmlCodePageToUTF8><t:MaximumBodySize>5</t:MaximumBodySize></m:ItemShape><m:ItemIds><t:ItemId Id=\"x\" ChangeKey=\"y\"/></m:ItemIds></m:GetItem>",
    "<m:UpdateItem ConflictResolution=\"AutoResolve\" MessageDisposition=\"SaveOnly\"><m:ItemChanges><t:ItemChange><t:ItemId Id=\"x\"/><t:Updates><t:SetItemField><t:FieldURI FieldURI=\"item:Categories\"/><t:Message><t:Categories><t:String>a</t:String></t:Categories></t:Message></t:SetItemField><t:DeleteItemField><t:FieldURI FieldURI=\"item:Flag\"/></t:DeleteItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
    "<m:MoveItem><m:ToFolderId><t:FolderId Id=\"x\"/></m:ToFolderId><m:ItemIds><t:ItemId Id=\"x\"/></m:ItemIds><m:ReturnNewItemIds>true</m:ReturnNewItemIds></m:MoveItem>",
    "<m:CopyItem><m:ToFolderId><t:DistinguishedFolderId Id=\"archive\"/></m:ToFolderId><m:ItemIds><t:ItemId Id=\"x\"/></m:ItemIds></m:CopyItem>",
    "<m:DeleteItem DeleteType=\"SoftDelete\" AffectedTaskOccurrences=\"AllOccurrences\"><m:ItemIds><t:ItemId Id=\"x\"/></m:ItemIds></m:DeleteItem>",
    "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:SavedItemFolderId><t:DistinguishedFolderId Id=\"drafts\"/></m:SavedItemFolderId><m:Items><t:Message><t:MimeContent CharacterSet=\"UTF-8\">eA==</t:MimeContent><t:Subject>s</t:Subject><t:Sensitivity>Normal</t:Sensitivity><t:Body BodyType=\"Text\">b</t:Body><t:Importance>High</t:Importance><t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId=\"PublicStrings\" PropertyName=\"n\" PropertyType=\"String\"/><t:Value>v</t:Value></t:ExtendedProperty><t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag><t:ToRecipients><t:Mailbox><t:Name>n</t:Name><t:EmailAddress>a@b.c</t:EmailAddress></t:Mailbox></t:ToRecipients><t:From><t:Mailbox><t:EmailAddress>a@b.c</t:EmailAddress></t:Mailbox></t:From><t:IsRead>true</t:IsRead></t:Message></m:Items></m:CreateItem>",
    "<m:SendItem SaveItemToFolder=\"true\"><m:ItemIds><t:ItemId Id=\"x\" ChangeKey=\"y\"/></m:ItemIds><m:SavedItemFolderId><t:DistinguishedFolderId Id=\"sentitems\"/></m:SavedItemFolderId></m:SendItem>",
    "<m:GetAttachment><m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent><t:BodyType>Text</t:BodyType></m:AttachmentShape><m:AttachmentIds><t:AttachmentId Id=\"x\"/></m:AttachmentIds></m:GetAttachment>",
    "<m:CreateAttachment><m:ParentItemId Id=\"x\"/><m:Attachments><t:FileAttachment><t:Name>n</t:Name><t:ContentType>a/b</t:ContentType><t:IsInline>false</t:IsInline><t:Content>eA==</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>",
    "<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id=\"x\"/></m:AttachmentIds></m:DeleteAttachment>",
    "<m:ResolveNames ReturnFullContactData=\"false\" SearchScope=\"ActiveDirectory\"><m:ParentFolderIds><t:DistinguishedFolderId Id=\"contacts\"/></m:ParentFolderIds><m:UnresolvedEntry>a</m:UnresolvedEntry></m:ResolveNames>",
];

const NAMESPACES: &str = " xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\" xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\"";

/// What the published schema says of each of these messages, all in one go.
fn verdicts(messages: &[String]) -> Option<Vec<bool>> {
    let published = published().or_else(|| {
        skip("shared data not present");
        None
    })?;
    let folder = Folder::make();
    let mut command = Command::new("xmllint");
    command.arg("--noout").arg("--nonet").arg("--schema").arg(published.join("messages.xsd"));
    for (number, message) in messages.iter().enumerate() {
        let path = folder.path().join(format!("{number}.xml"));
        std::fs::write(&path, message).expect("a file");
        command.arg(path);
    }
    let Ok(output) = command.output() else {
        skip("xmllint is missing: install libxml2-utils");
        return None;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    let is_valid =
        |number: usize| told.lines().any(|line| line.ends_with(&format!("/{number}.xml validates")));
    Some((0..messages.len()).map(is_valid).collect())
}

/// The simulator refuses as a breach of the schema what the published schema refuses, and nothing else: over every request
/// that differs from a valid one in one place.
#[tokio::test]
async fn requests_are_judged_as_the_schema_judges_them() {
    let mut messages = Vec::new();
    for sample in SAMPLES {
        let root = parse(sample);
        let all = std::iter::once(root.clone()).chain(root.mutants());
        messages.extend(all.map(|mut element| {
            element.tag.push_str(NAMESPACES);
            let mut out = String::new();
            element.write(&mut out);
            out
        }));
    }
    let Some(verdicts) = verdicts(&messages) else { return };
    let world = world().await;
    let scope = "https://outlook.office365.com/EWS.AccessAsUser.All";
    let token = world.access(SUPPORT, scope).await;
    let mut wrong = String::new();
    for (message, is_valid) in messages.iter().zip(verdicts) {
        let envelope = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{message}</s:Body></s:Envelope>"
        );
        let url = format!("{}/EWS/Exchange.asmx", world.ready().ews);
        let request = world.http.post(url).bearer_auth(&token).header("content-type", "text/xml");
        let answer = request.body(envelope).send().await.expect("an answer").text().await.expect("a text");
        if is_valid == answer.contains("ErrorSchemaValidation") {
            let _ = writeln!(wrong, "valid by the schema: {is_valid}: {message}\n{answer}");
        }
    }
    assert!(messages.len() > 500 && wrong.is_empty(), "{} requests\n{wrong}", messages.len());
}
