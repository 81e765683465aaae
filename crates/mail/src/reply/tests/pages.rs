//! Pages as the usual mail programs write them.

use rstest::rstest;

use super::super::{CutSettings, Cutting, Kind, Occasion, Reply, Stays};

fn reply(html: &str) -> Reply {
    Reply::of_html(html, Occasion::Answer, &Cutting::default())
}

/// What the person wrote in each page below, and what was quoted.
const OWN: &str = "Thank you, it prints again.";
const QUOTED: &str = "Does the printer print again?";

/// Promise: in pages of the usual programs the quote, the signature and the footer are found by structure, and what the
/// person wrote is left.
#[rstest]
#[case::gmail(
    r#"<div dir="ltr">Thank you, it prints again.</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Tue, Mar 3, 2026 at 10:15 AM Ben Holm &lt;<a href="mailto:ben@example.com">ben@example.com</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"><div dir="ltr">Does the printer print again?</div></blockquote></div>"#
)]
#[case::gmail_with_signature_above(
    r#"<div dir="ltr"><div>Thank you, it prints again.</div><div><br></div><span class="gmail_signature_prefix">-- </span><br><div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature"><div dir="ltr">Anna Berg<div>Example AG</div></div></div></div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Tue, Mar 3, 2026 at 10:15 AM Ben &lt;ben@example.com&gt; wrote:<br></div><blockquote class="gmail_quote"><div>Does the printer print again?</div></blockquote></div>"#
)]
#[case::gmail_with_signature_below(
    r#"<div dir="ltr">Thank you, it prints again.</div><div class="gmail_extra"><br><div class="gmail_quote">2026-03-03 10:15 GMT+01:00 Ben Holm <span dir="ltr">&lt;<a href="mailto:ben@example.com">ben@example.com</a>&gt;</span>:<br><blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px #ccc solid;padding-left:1ex">Does the printer print again?</blockquote></div><br><br clear="all"><div><br></div>-- <br><div class="gmail_signature">Anna Berg<br>Example AG</div></div>"#
)]
#[case::gmail_on_android(
    r#"<p dir="ltr">Thank you, it prints again.</p><div class="gmail_quote"><div dir="ltr" class="gmail_attr">Ben Holm &lt;<a href="mailto:ben@example.com">ben@example.com</a>&gt; schrieb am Di., 3. März 2026, 10:15:<br></div><blockquote class="gmail_quote"><p dir="ltr">Does the printer print again?</p></blockquote></div>"#
)]
#[case::outlook_desktop(
    r#"<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style><!--p.MsoNormal{margin:0cm}--></style></head><body lang=EN-US><div class=WordSection1><p class=MsoNormal>Thank you, it prints again.<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b><span lang=EN-US>From:</span></b><span lang=EN-US> Ben Holm &lt;ben@example.com&gt; <br><b>Sent:</b> Tuesday, March 3, 2026 10:15 AM<br><b>To:</b> Anna Berg &lt;anna@example.com&gt;<br><b>Subject:</b> Printer<o:p></o:p></span></p></div></div><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>Does the printer print again?<o:p></o:p></p></div></body></html>"#
)]
#[case::outlook_2007(
    "<body><div class=Section1><p class=MsoNormal>Thank you, it prints again.</p><div style='border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0in 0in 0in'><p class=MsoNormal><b>From:</b> Ben Holm [mailto:ben@example.com] <br><b>Sent:</b> Tuesday, March 03, 2026 10:15 AM<br><b>To:</b> Anna<br><b>Subject:</b> Printer</p></div><p class=MsoNormal>Does the printer print again?</p></div></body>"
)]
#[case::outlook_desktop_in_an_unknown_language(
    "<body><div class=WordSection1><p class=MsoNormal>Thank you, it prints again.</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>Nork:</b> Ben Holm &lt;ben@example.com&gt;<br><b>Bidalia:</b> 2026(e)ko martxoaren 3a 10:15<br><b>Nori:</b> Anna<br><b>Gaia:</b> Inprimagailua</p></div><p class=MsoNormal>Does the printer print again?</p></div></body>"
)]
#[case::outlook_bookmarks(
    r#"<body><div class=WordSection1><p class=MsoNormal>Thank you, it prints again.</p><p class=MsoNormal><a name="_MailEndCompose"></a>&nbsp;</p><p class=MsoNormal><a name="_MailOriginal"><b>Van:</b></a> Ben Holm &lt;ben@example.com&gt; <br><b>Verzonden:</b> dinsdag 3 maart 2026 10:15<br><b>Aan:</b> Anna<br><b>Onderwerp:</b> Printer</p><p class=MsoNormal>Does the printer print again?</p></div></body>"#
)]
#[case::outlook_on_the_web(
    r##"<body dir="ltr"><div class="elementToProof" style="font-family:Aptos">Thank you, it prints again.</div><div id="Signature"><div>Anna Berg</div><div><img src="cid:logo@example.com"></div></div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" style="font-size:11pt" color="#000000"><b>From:</b> Ben Holm &lt;ben@example.com&gt;<br><b>Sent:</b> Tuesday, March 3, 2026 10:15 AM<br><b>To:</b> Anna<br><b>Subject:</b> Printer</font><div>&nbsp;</div></div><div class="BodyFragment">Does the printer print again?<div id="x_divRplyFwdMsg">older</div></div></body>"##
)]
#[case::outlook_on_the_web_in_an_unknown_language(
    r#"<body><div>Thank you, it prints again.</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><b>Oddiwrth</b> Ben Holm<br><b>Anfonwyd</b> 3 Mawrth 2026 10:15</div><div>Does the printer print again?</div></body>"#
)]
#[case::outlook_new(
    r#"<body><div dir="ltr" class="elementToProof">Thank you, it prints again.</div><div id="mail-editor-reference-message-container"><div class="elementToProof"><br></div><div style="padding: 3pt 0in 0in; border-width: 1pt medium medium; border-style: solid none none; border-color: rgb(225, 225, 225) currentcolor currentcolor;"><p class="MsoNormal"><b>From:</b> Ben Holm &lt;ben@example.com&gt;<br><b>Date:</b> Tuesday, 3 March 2026 at 10:15<br><b>To:</b> Anna<br><b>Subject:</b> Printer</p></div><p>Does the printer print again?</p></div></body>"#
)]
#[case::outlook_on_ios(
    r#"<body><div dir="ltr" style="font-family: Aptos">Thank you, it prints again.</div><div id="ms-outlook-mobile-body-separator-line" dir="ltr"><br></div><div id="ms-outlook-mobile-signature"><div>Get <a href="https://aka.ms/o0ukef">Outlook for iOS</a></div></div><div id="mail-editor-reference-message-container" class="ms-outlook-mobile-reference-message"><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><b>Von:</b> Ben Holm &lt;ben@example.com&gt;<br><b>Gesendet:</b> Dienstag, 3. März 2026 10:15<br><b>An:</b> Anna<br><b>Betreff:</b> Drucker</div><div>Does the printer print again?</div></div></body>"#
)]
#[case::outlook_on_android(
    r#"<body><div dir="auto">Thank you, it prints again.</div><div id="ms-outlook-mobile-signature" dir="auto">Télécharger <a href="https://aka.ms/AAb9ysg">Outlook pour Android</a></div><div id="id-6c97172e-0116-45da-8423-7906d63f733c" class="ms-outlook-mobile-reference-message"><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg"><strong>De :</strong> Ben Holm &lt;ben@example.com&gt;<br><strong>Envoyé :</strong> mardi 3 mars 2026 10:15<br><strong>À :</strong> Anna<br><strong>Objet :</strong> Imprimante</div><div>Does the printer print again?</div></div></body>"#
)]
#[case::outlook_for_mac(
    r#"<body><div>Thank you, it prints again.</div><div><br></div><span id="OLK_SRC_BODY_SECTION"><div style="font-family:Calibri; BORDER-TOP: #b5c4df 1pt solid; PADDING-TOP: 3pt"><span style="font-weight:bold">From: </span>Ben Holm &lt;ben@example.com&gt;<br><span style="font-weight:bold">Date: </span>Tuesday, 3 March 2026 10:15<br><span style="font-weight:bold">To: </span>Anna<br><span style="font-weight:bold">Subject: </span>Printer<br></div><div>Does the printer print again?</div></span></body>"#
)]
#[case::outlook_for_mac_span_behind_its_first_line(
    r#"<body><div>Thank you, it prints again.</div><div style="BORDER-TOP: #b5c4df 1pt solid"><span>From:</span> Ben Holm &lt;ben@example.com&gt;<br><span id="OLK_SRC_BODY_SECTION"><span>Date:</span> Tuesday, 3 March 2026<br><span>To:</span> Anna<br><span>Subject:</span> Printer<br><div>Does the printer print again?</div></span></div></body>"#
)]
#[case::windows_mail(
    r#"<div dir="ltr"><div>Thank you, it prints again.</div><div data-signatureblock="true"><div><br></div><div>Sent from Windows Mail</div></div><div style="padding-top: 5px; border-top-color: rgb(229, 229, 229); border-top-width: 1px; border-top-style: solid;"><div><b>From:</b>&nbsp;<a href="mailto:ben@example.com">Ben Holm</a><br><b>Sent:</b>&nbsp;&lrm;Tuesday&lrm;, &lrm;3&lrm; &lrm;March&lrm; &lrm;2026<br><b>To:</b>&nbsp;Anna</div></div><div>Does the printer print again?</div></div>"#
)]
#[case::hotmail(
    r#"<body class='hmmessage'><div dir='ltr'>Thank you, it prints again.<br><br><hr id="stopSpelling">Date: Tue, 3 Mar 2026 10:15:00 +0100<br>From: ben@example.com<br>To: anna@example.com<br>Subject: Printer<br><br>Does the printer print again?</div></body>"#
)]
#[case::outlook_express(
    r#"<BODY><DIV>Thank you, it prints again.</DIV><BLOCKQUOTE style="BORDER-LEFT: #000000 2px solid; PADDING-LEFT: 5px; MARGIN-LEFT: 5px"><DIV style="FONT: 10pt arial">----- Original Message ----- </DIV><DIV><B>From:</B> <A href="mailto:ben@example.com">Ben Holm</A> </DIV><DIV><B>To:</B> Anna </DIV><DIV><B>Sent:</B> Tuesday, March 03, 2026 10:15 AM</DIV><DIV><B>Subject:</B> Printer</DIV><DIV><BR></DIV>Does the printer print again?</BLOCKQUOTE></BODY>"#
)]
#[case::apple_mail(
    r#"<body style="word-wrap: break-word;">Thank you, it prints again.<br id="lineBreakAtBeginningOfMessage"><div><br><blockquote type="cite"><div>On 3 Mar 2026, at 10:15, Ben Holm &lt;ben@example.com&gt; wrote:</div><br class="Apple-interchange-newline"><div><div>Does the printer print again?</div></div></blockquote></div><br></body>"#
)]
#[case::apple_mail_on_an_iphone(
    r#"<body dir="auto">Thank you, it prints again.<div><br id="lineBreakAtBeginningOfSignature"><div dir="ltr">Von meinem iPhone gesendet</div><div dir="ltr"><br><blockquote type="cite">Am 03.03.2026 um 10:15 schrieb Ben Holm &lt;ben@example.com&gt;:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">Does the printer print again?</div></blockquote></div></body>"#
)]
#[case::thunderbird(
    r##"<html><body text="#000000" bgcolor="#FFFFFF"><p>Thank you, it prints again.</p><pre class="moz-signature" cols="72">-- 
Anna Berg
Example AG</pre><div class="moz-cite-prefix">Am 03.03.26 um 10:15 schrieb Ben Holm:<br></div><blockquote type="cite" cite="mid:1@example.com"><p>Does the printer print again?</p></blockquote></body></html>"##
)]
#[case::thunderbird_with_plain_quote(
    r#"<body>Thank you, it prints again.<br><br><div class="moz-cite-prefix">On 3/3/26 10:15, Ben Holm wrote:<br></div><blockquote type="cite" cite="mid:1@example.com"><pre class="moz-quote-pre" wrap="">Does the printer print again?
</pre></blockquote><br><div class="moz-signature">-- <br>Anna Berg</div></body>"#
)]
#[case::proton(
    r#"<div style="font-family: Arial">Thank you, it prints again.</div><div class="protonmail_signature_block" style="font-family: Arial"><div class="protonmail_signature_block-user">Anna</div><div class="protonmail_signature_block-proton">Sent with <a href="https://proton.me/">Proton Mail</a> secure email.</div></div><div><br></div><div class="protonmail_quote">On Tuesday, March 3rd, 2026 at 10:15 AM, Ben Holm &lt;ben@example.com&gt; wrote:<br><br><blockquote class="protonmail_quote" type="cite"><div>Does the printer print again?</div></blockquote><br></div>"#
)]
#[case::proton_with_announcement(
    r#"<div>Thank you, it prints again.</div><div class="protonmail_quote"><div>------- Original Message -------<br></div><div> On Tuesday 3 March 2026 at 10:15, Ben Holm wrote:<br></div><div><br></div><blockquote class="protonmail_quote" type="cite">Does the printer print again?</blockquote></div>"#
)]
#[case::yahoo(
    r#"<html><body><div class="ydp4ec1323dyahoo-style-wrap"><div dir="ltr">Thank you, it prints again.</div><div><br></div></div><div id="ydp9b1f0a55yahoo_quoted_5894033310" class="ydp9b1f0a55yahoo_quoted"><div style="color:#26282a;"><div>On Tuesday, March 3, 2026 at 10:15:41 AM GMT+1, Ben Holm &lt;ben@example.com&gt; wrote:</div><div><br></div><div id="ydp7a3d9f5fyiv2841930122"><div>Does the printer print again?</div><blockquote type="cite">older</blockquote><div>still quoted</div></div></div></div></body></html>"#
)]
#[case::aol(
    r#"<font color='black'>Thank you, it prints again.<br><br><div style="font-family:arial">-----Original Message-----<br>From: Ben Holm &lt;ben@example.com&gt;<br>To: anna@example.com<br>Sent: Tue, Mar 3, 2026 10:15 am<br>Subject: Printer<br><br><div>Does the printer print again?</div></div></font>"#
)]
#[case::zimbra(
    r#"<body><div style="font-family: arial"><div>Thank you, it prints again.</div><div data-marker="__SIG_POST__">-- <br>Anna Berg</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__"><b>De: </b>"Ben Holm" &lt;ben@example.com&gt;<br><b>À: </b>anna@example.com<br><b>Envoyé: </b>Mardi 3 Mars 2026 10:15:00<br><b>Objet: </b>Imprimante<br></div><div><br></div><div data-marker="__QUOTED_TEXT__">Does the printer print again?<br></div></div></body>"#
)]
#[case::notes(
    r#"<font size=2 face="sans-serif">Thank you, it prints again.</font><br><br><br><font size=1 color=#5f5f5f face="sans-serif">Von: &nbsp; &nbsp; &nbsp; &nbsp;</font><font size=1 face="sans-serif">&quot;Ben Holm&quot; &lt;ben@example.com&gt;</font><br><font size=1 color=#5f5f5f face="sans-serif">An: &nbsp; &nbsp; &nbsp; &nbsp;</font><font size=1 face="sans-serif">Anna Berg/Example@EXAMPLE</font><br><font size=1 color=#5f5f5f face="sans-serif">Datum: &nbsp; &nbsp; &nbsp; &nbsp;</font><font size=1 face="sans-serif">03.03.2026 10:15</font><br><font size=1 color=#5f5f5f face="sans-serif">Betreff: &nbsp; &nbsp; &nbsp; &nbsp;</font><font size=1 face="sans-serif">Drucker</font><br><hr noshade><br><br><tt><font size=2>Does the printer print again?</font></tt>"#
)]
#[case::notes_with_a_table(
    "<font size=2>Thank you, it prints again.</font><br><br><table width=100%><tr valign=top><td width=40%><font size=1><b>Ben Holm/Example</b> </font><p><font size=1>03/03/2026 10:15 AM</font><table border><tr valign=top><td bgcolor=white><div align=center>Please respond to<br>ben@example.com</div></table><br><td width=59%><table width=100%><tr valign=top><td><div align=right><font size=1>To</font></div><td><font size=1>Anna Berg/Example@EXAMPLE</font><tr valign=top><td><div align=right><font size=1>cc</font></div><td><tr valign=top><td><div align=right><font size=1>Subject</font></div><td><font size=1>Re: Printer</font></table></table><br><font size=2>Does the printer print again?</font>"
)]
#[case::notes_on_the_web(
    r##"<font face="Default Sans Serif">Thank you, it prints again.<br><br><font color="#990099">-----Ben Holm/Example wrote: -----</font><div style="padding-left:5px"><div>To: anna@example.com<br>From: Ben Holm/Example<br>Date: 03/03/2026 10:15AM<br>Subject: Printer<br><br></div>Does the printer print again?</div></font>"##
)]
#[case::samsung(
    r#"<html><body dir="auto"><div dir="auto">Thank you, it prints again.</div><div dir="auto"><br></div><div id="composer_signature" dir="auto"><div style="font-size:12px;color:#575757" dir="auto">Sent from my Galaxy</div></div><div style="font-size:100%;color:#000000" dir="auto"><div>-------- Original message --------</div><div>From: Ben Holm &lt;ben@example.com&gt; </div><div>Date: 03/03/2026 10:15 (GMT+01:00) </div><div>To: anna@example.com </div><div>Subject: Printer </div><div><br></div></div><div>Does the printer print again?</div></body></html>"#
)]
#[case::bluemail(
    r#"<div dir="auto">Thank you, it prints again.<br><br></div><div class="bluemail-signature" dir="auto">Get <a href="https://bluemail.me/download/">BlueMail for Android</a> </div><div class="gmail_quote">On Mar 3, 2026, at 10:15, Ben Holm &lt;<a href="mailto:ben@example.com">ben@example.com</a>&gt; wrote:<blockquote class="gmail_quote" style="margin: 0pt 0pt 0pt 0.8ex; border-left: 1px solid rgb(204, 204, 204); padding-left: 1ex;">Does the printer print again?</blockquote></div>"#
)]
#[case::spark(
    r#"<html><body><div name="messageBodySection"><div dir="auto">Thank you, it prints again.</div></div><div name="messageSignatureSection"><br><div>Sent with <a href="https://sparkmailapp.com">Spark</a></div></div><div name="messageReplySection">On 3 Mar 2026, 10:15 +0100, Ben Holm &lt;ben@example.com&gt;, wrote:<br><blockquote type="cite" style="border-left: thin solid grey" class="spark_quote">Does the printer print again?</blockquote></div></body></html>"#
)]
#[case::superhuman(
    r#"<div class="">Thank you, it prints again.</div><div><br></div><div class="gmail_signature"><div>Sent via <a href="https://superhuman.com">Superhuman</a></div></div><br><div class="gmail_quote">On Tue, Mar 03, 2026 at 10:15 AM, Ben Holm &lt;ben@example.com&gt; wrote:<br><blockquote class="gmail_quote sh-color-black">Does the printer print again?</blockquote></div>"#
)]
#[case::hey(
    r#"<div class="trix-content"><div>Thank you, it prints again.<br><br></div><div>On March 3, 2026, Ben Holm &lt;ben@example.com&gt; wrote:</div><blockquote>Does the printer print again?</blockquote></div>"#
)]
#[case::zoho(
    r#"<body><div style="font-family: Verdana"><div>Thank you, it prints again.<br></div><br><div id="Zm-_Id_-Sgn"><p>Sent using <a href="https://www.zoho.com/mail/">Zoho Mail</a><br></p></div><br><div class="zmail_extra"><div id="Zm-_Id_-Sgn1">---- On Tue, 03 Mar 2026 10:15:32 +0100 <b>Ben Holm &lt;ben@example.com&gt;</b> wrote ----<br></div><br><blockquote style="margin: 0px;"><div>Does the printer print again?</div></blockquote></div><div><br></div></div></body>"#
)]
#[case::gmx(
    r#"<div>Thank you, it prints again.</div><div>&nbsp;<div name="quote" style="margin:10px 5px 5px 10px; border-left:2px solid #C3D9E5;"><div style="margin:0 0 10px 0;"><b>Gesendet:</b>&nbsp;Dienstag, 03. M&auml;rz 2026 um 10:15 Uhr<br/><b>Von:</b>&nbsp;&quot;Ben Holm&quot; &lt;ben@example.com&gt;<br/><b>An:</b>&nbsp;anna@example.com<br/><b>Betreff:</b>&nbsp;Drucker</div><div name="quoted-content">Does the printer print again?</div></div></div>"#
)]
#[case::tuta(
    r#"<div>Thank you, it prints again.</div><div><br></div><div>--<br></div><div>Secured with Tuta Mail</div><br><br><div>3 Mar 2026, 10:15 by ben@example.com:<br></div><blockquote class="tutanota_quote" style="border-left: 1px solid #93A3B8;"><div>Does the printer print again?</div></blockquote>"#
)]
#[case::roundcube(
    r#"<html><body><p>Thank you, it prints again.</p><p id="reply-intro">Am 03.03.2026 10:15, schrieb Ben Holm:</p><blockquote type="cite" style="padding: 0 0.4em; border-left: #1010ff 2px solid; margin: 0"><div>Does the printer print again?</div></blockquote></body></html>"#
)]
#[case::fastmail(
    r#"<html><body><div>Thank you, it prints again.</div><div><br></div><div>On Tue, 3 Mar 2026, at 10:15 AM, Ben Holm wrote:</div><blockquote type="cite" id="qt"><div>Does the printer print again?</div></blockquote></body></html>"#
)]
#[case::mail_ru(
    r#"<HTML><BODY><div>Thank you, it prints again.</div><br>Вторник, 3 марта 2026, 10:15 +03:00 от Ben Holm &lt;ben@example.com&gt;:<br><blockquote style="border-left:1px solid #0857A6; margin:10px; padding:0 0 0 10px;">Does the printer print again?</blockquote></BODY></HTML>"#
)]
#[case::yandex(
    r#"<div>Thank you, it prints again.</div><div> </div><div>03.03.2026, 10:15, "Ben Holm" &lt;ben@example.com&gt;:</div><blockquote><div>Does the printer print again?</div></blockquote>"#
)]
#[case::tencent(
    r#"<div>Thank you, it prints again.</div><div><br></div><div style="font-size: 12px;">------------------&nbsp;原始邮件&nbsp;------------------</div><div style="font-size: 12px;background:#efefef;"><div><b>发件人:</b> "Ben"&lt;ben@example.com&gt;;</div><div><b>发送时间:</b> 2026年3月3日(星期二) 上午10:15</div><div><b>收件人:</b> "Anna"&lt;anna@example.com&gt;;</div><div><b>主题:</b> 打印机</div></div><div><br></div>Does the printer print again?"#
)]
#[case::netease(
    r#"Thank you, it prints again.<br><br>At 2026-03-03 10:15:38, "Ben" &lt;ben@example.com&gt; wrote:<br><blockquote id="isReplyContent" style="PADDING-LEFT: 1ex"><div>Does the printer print again?</div></blockquote>"#
)]
#[case::evolution(
    "<html><body><div>Thank you, it prints again.</div><div><br></div><div>-----Original Message-----</div><div><b>From</b>: Ben Holm &lt;ben@example.com&gt;</div><div><b>To</b>: Anna</div><div><b>Subject</b>: Printer</div><div><b>Date</b>: Tue, 3 Mar 2026 10:15:00 +0100</div><div><br></div><div>Does the printer print again?</div></body></html>"
)]
#[case::em_client(
    r#"<div>Thank you, it prints again.</div><div><br /></div><div>------ Original Message ------</div><div><span>From "Ben Holm" &lt;ben@example.com&gt;</span></div><div><span>To anna@example.com</span></div><div><span>Date 3/3/2026 10:15:00 AM</span></div><div><span>Subject Printer</span></div><div><br /></div><div id="x1234"><blockquote cite="1@example.com" type="cite" class="cite2">Does the printer print again?</blockquote></div>"#
)]
#[case::airmail(
    r#"<body><div id="bloop_customfont">Thank you, it prints again.</div><br><div id="bloop_sign_1234567890" class="bloop_sign">Anna Berg<br>Sent with Airmail</div><br><p class="airmail_on">On 3 March 2026 at 10:15:00, Ben Holm (<a href="mailto:ben@example.com">ben@example.com</a>) wrote:</p><blockquote type="cite" class="clean_bq"><span>Does the printer print again?</span></blockquote></body>"#
)]
#[case::mailspring(
    r#"Thank you, it prints again.<br><br><signature>Sent from <a href="https://getmailspring.com">Mailspring</a>, the best free email app for work</signature><div class="gmail_quote_attribution">On Mar 3 2026, at 10:15 am, Ben Holm &lt;ben@example.com&gt; wrote:</div><blockquote>Does the printer print again?</blockquote>"#
)]
#[case::a_page_of_text(
    "<html><body><pre>Thank you, it prints again.\n\nOn 3 Mar 2026, at 10:15, Ben wrote:\n&gt; Does the printer print again?\n</pre></body></html>"
)]
#[case::a_page_of_line_breaks(
    "Thank you, it prints again.<br>\n<br>\nOn Tuesday, March 3, 2026 10:15 AM, Ben Holm &lt;ben@example.com&gt; wrote:<br>\n<br>\nDoes the printer print again?<br>\n"
)]
fn quotes_are_found_by_structure(#[case] html: &str) {
    let reply = reply(html);
    assert_eq!(reply.kept, OWN, "{reply:#?}");
    let quote: String = reply.cut.iter().filter(|p| p.kind == Kind::Quote).map(|p| p.text.as_str()).collect();
    assert!(quote.contains(QUOTED), "{reply:#?}");
    assert!(reply.cut.iter().all(|piece| piece.html.is_some() && !piece.rule.is_empty()));
    assert_eq!(reply.rich.to_text().trim(), OWN);
}

/// Promise: answers between and below the quoted blocks are kept with what they answer, whichever program splits them.
#[rstest]
#[case::gmail(
    r#"<div>Hello,</div><div class="gmail_quote"><div class="gmail_attr">On Tue, Mar 3, 2026 at 10:15 AM Ben &lt;ben@example.com&gt; wrote:<br></div><blockquote class="gmail_quote">Is it plugged in?</blockquote><div>Yes.</div><blockquote class="gmail_quote">Is the light on?</blockquote><div>No.</div></div>"#
)]
#[case::thunderbird(
    r#"<body>Hello,<br><div class="moz-cite-prefix">On 3/3/26 10:15, Ben wrote:<br></div><blockquote type="cite" cite="mid:1@example.com">Is it plugged in?<br></blockquote>Yes.<br><blockquote type="cite" cite="mid:1@example.com">Is the light on?<br></blockquote>No.<br></body>"#
)]
#[case::apple_mail(
    r#"<body>Hello,<div><blockquote type="cite"><div>On 3 Mar 2026, at 10:15, Ben &lt;ben@example.com&gt; wrote:</div><div>Is it plugged in?</div></blockquote></div><div>Yes.</div><div><blockquote type="cite"><div>Is the light on?</div></blockquote></div><div>No.</div></body>"#
)]
#[case::outlook_on_the_web(
    r#"<div>Hello,</div><div>Ben Holm &lt;ben@example.com&gt; wrote on 3/3/2026 10:15 AM:</div><blockquote itemscope="" itemtype="https://schemas.microsoft.com/QuotedText" style="border-left:3px solid rgb(200, 200, 200)">Is it plugged in?</blockquote><div>Yes.</div><blockquote itemscope="" itemtype="https://schemas.microsoft.com/QuotedText" style="border-left:3px solid">Is the light on?</blockquote><div>No.</div>"#
)]
#[case::plain_blocks(
    "<p>Hello,</p><blockquote>Is it plugged in?</blockquote><p>Yes.</p><blockquote>Is the light on?</blockquote><p>No.</p>"
)]
fn interleaved_answers_are_kept_whole(#[case] html: &str) {
    let reply = reply(html);
    let mut from = 0;
    for part in ["Hello,", "Is it plugged in?", "Yes.", "Is the light on?", "No."] {
        let at = reply.kept[from..].find(part);
        from += at.unwrap_or_else(|| panic!("{part} is missing: {reply:#?}"));
    }
}

/// Promise: whoever says that the answers stand in the quoted text, in red, does not lose them.
#[test]
fn answers_in_an_unmarked_quote_are_kept() {
    let html = "<p>Hi Ben, my answers below in red.</p><hr tabindex=-1><div id=divRplyFwdMsg><b>From:</b> Ben<br><b>Sent:</b> Monday<br><b>To:</b> Anna<br><b>Subject:</b> x</div><p>Is it plugged in? <span style='color:red'>Yes, it is.</span></p>";
    let reply = reply(html);
    assert!(reply.kept.contains("Yes, it is."));
    assert_eq!(reply.stays, Some(Stays::AnswersBelow));
    assert!(reply.cut.is_empty());
}

/// Promise: an answer below the quote is kept, and the quote is not.
#[test]
fn an_answer_below_is_kept() {
    let html = "<div class=moz-cite-prefix>On 3/3/26 10:15, Ben wrote:</div><blockquote type=cite>Does it print?</blockquote><p>Yes, thank you.</p>";
    let reply = reply(html);
    assert_eq!(reply.kept, "Yes, thank you.");
    assert_eq!(reply.cut.len(), 1);
}

/// Promise: an answer that consists of a picture is one.
#[test]
fn a_picture_is_an_answer() {
    let html = "<div><img src='cid:shot@example.com' width=600></div><div id=divRplyFwdMsg><b>From:</b> Ben<br><b>Sent:</b> Monday<br><b>To:</b> Anna</div><div>Send me a picture.</div>";
    let reply = reply(html);
    assert!(reply.cut[0].text.contains("Send me a picture."), "{reply:#?}");
    assert!(reply.cut_images.is_empty());
    assert_eq!(reply.rich.images().len(), 1);
}

/// Promise: images that stood only in what was cut are told, those that also stand in what is kept are not.
#[test]
fn images_of_the_cut_part_are_told() {
    let html = r#"<p>See <img src="cid:shot@example.com"></p><div class="gmail_signature"><img src="cid:logo@example.com" width="80"></div><div class="gmail_quote"><div class="gmail_attr">On 3 Mar 2026 at 10:15, Ben &lt;ben@example.com&gt; wrote:</div><blockquote class="gmail_quote"><img src="CID:shot@example.com"><img src="cid:old%40example.com"></blockquote></div>"#;
    let reply = reply(html);
    let told: Vec<&str> = reply.cut_images.iter().map(String::as_str).collect();
    assert_eq!(told, ["logo@example.com", "old@example.com"]);
    assert!(reply.html.unwrap().contains("cid:shot@example.com"));
}

/// Promise: notices and warnings of gateways go, above and below what a person wrote, and are told as what they are.
#[test]
fn notices_are_cut() {
    let html = "<table><tr><td>CAUTION: This email originated from outside of the organization. Do not click links.</td></tr></table><p>Thank you, it prints again.</p><p>Anna</p><p>This e-mail may contain confidential information. If you are not the intended recipient, notify the sender and delete it.</p><p>Please consider the environment before printing this e-mail.</p>";
    let reply = reply(html);
    assert_eq!(reply.kept, "Thank you, it prints again.\n\nAnna");
    assert!(reply.cut.iter().all(|piece| piece.kind == Kind::Disclaimer), "{reply:#?}");
    let tip = "<div>You don't often get email from ben@example.com. <a href='https://aka.ms/LearnAboutSenderIdentification'>Learn why this is important</a></div><div>Hello</div>";
    assert_eq!(self::reply(tip).kept, "Hello");
    let tip = "<div>Sie erhalten nicht oft E-Mails von ben@example.com. <a href='https://aka.ms/LearnAboutSenderIdentification'>Erfahren Sie, warum</a></div><div>Hallo</div>";
    assert_eq!(self::reply(tip).kept, "Hallo");
}

/// Promise: a quote that a person made of something else than a mail stays.
#[rstest]
#[case("<p>The manual says:</p><blockquote>Turn it off and on again.</blockquote>")]
#[case(
    "<p>The manual says:</p><blockquote style='margin:0 0 0 40px;border:none;padding:0'>Turn it off.</blockquote>"
)]
#[case("<p>From: Hamburg<br>To: Berlin<br>When: Monday</p><p>Please book it.</p>")]
#[case("<div style='border-top:solid #E1E1E1 1.0pt'><p>A chapter of its own</p></div><p>Text</p>")]
#[case("<div id=appendonsend></div><p>Typed below it.</p>")]
fn own_quotes_stay(#[case] html: &str) {
    let reply = reply(html);
    assert_eq!(reply.kept, crate::Rich::from_html(html).to_text().trim_end());
    assert!(reply.cut.is_empty());
    assert_eq!(reply.html.as_deref(), Some(html));
}

/// Promise: a mail of which nothing would be left stays whole.
#[rstest]
#[case(
    "<div class=gmail_quote><div class=gmail_attr>On 3 Mar 2026 at 10:15, Ben &lt;b@example.com&gt; wrote:</div><blockquote class=gmail_quote>Does it print?</blockquote></div>"
)]
#[case("<div id=Signature>Anna Berg</div>")]
#[case("<p>Sent from my iPhone</p>")]
fn nothing_is_never_left(#[case] html: &str) {
    let reply = reply(html);
    assert!(reply.cut.is_empty());
    assert_eq!(reply.stays, Some(Stays::NothingElse));
}

/// Promise: a setting switches off what it names, and only that.
#[test]
fn settings_switch_off() {
    let html = "<p>Yes.</p><div class=gmail_signature>Anna Berg</div><div class=gmail_quote><div class=gmail_attr>On 3 Mar 2026 at 10:15, Ben &lt;b@example.com&gt; wrote:</div><blockquote class=gmail_quote>Does it print?</blockquote></div>";
    let with = |settings: CutSettings| {
        let reply = Reply::of_html(html, Occasion::Answer, &Cutting::new(&settings).unwrap());
        (reply.kept.contains("Anna Berg"), reply.kept.contains("Does it print?"))
    };
    assert_eq!(with(CutSettings::default()), (false, false));
    assert_eq!(with(CutSettings { signatures: false, ..CutSettings::default() }), (true, false));
    assert_eq!(with(CutSettings { quotes: false, ..CutSettings::default() }), (false, true));
}

/// Promise: delimiters and expressions of the profile part a page, too, and the trace names them.
#[test]
fn own_rules_part_a_page() {
    let settings = CutSettings {
        delimiters: vec!["##- Please reply above this line -##".to_owned()],
        expressions: vec![super::super::CutExpression {
            pattern: "^Ticket [0-9]+ of [A-Z]".to_owned(),
            reach: super::super::CutReach::Line,
        }],
        ..CutSettings::default()
    };
    let cutting = Cutting::new(&settings).unwrap();
    let html = "<p>Ticket 12 of Example</p><p>Yes.</p><div>Support, 3 March</div><blockquote><p>##-&nbsp;please reply above this line -##</p><p>Does it print?</p></blockquote>";
    let reply = Reply::of_html(html, Occasion::Answer, &cutting);
    assert_eq!(reply.kept, "Yes.\n\nSupport, 3 March");
    let told: Vec<(&str, Kind)> = reply.cut.iter().map(|piece| (&*piece.rule, piece.kind)).collect();
    assert_eq!(told, [("expressions[0]", Kind::Own), ("delimiters[0]", Kind::Own)]);
    let text = "Yes.\n\n> ##- Please reply above this line -##\n> Does it print?";
    let reply = Reply::of_text_in(text, crate::TextFormat::Fixed, Occasion::Answer, &cutting);
    assert_eq!(reply.kept, "Yes.");
}
