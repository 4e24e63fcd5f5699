// SPDX-License-Identifier: Apache-2.0
const NAMES: Record<string, string> = {
  postfix: "Postfix", exim: "Exim", m365: "Microsoft 365", exchange: "Exchange Server", phpmailer: "PHPMailer", nodemailer: "Nodemailer",
  "google-workspace": "Google Workspace", sendmail: "sendmail", django: "Django", "docker-mailserver": "docker-mailserver",
  cpanel: "cPanel", laravel: "Laravel", mailcow: "mailcow", thunderbird: "Thunderbird", outlook: "Outlook", wordpress: "WordPress",
  dns: "DNS", plesk: "Plesk", "apple-mail": "Apple Mail", opensmtpd: "OpenSMTPD", "cloud-host": "Cloud host", ses: "Amazon SES",
  msmtp: "msmtp", sendgrid: "SendGrid", docker: "Docker", dovecot: "Dovecot", mailgun: "Mailgun", kubernetes: "Kubernetes",
  haproxy: "HAProxy", directadmin: "DirectAdmin", "cisco-asa": "Cisco ASA", php: "PHP", printer: "Printer or scanner",
};

export const productName = (id: string): string => NAMES[id] ?? id.replace(/[-_]/g, " ");
