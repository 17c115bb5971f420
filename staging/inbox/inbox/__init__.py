"""Catches what the stack sends out: mail by SMTP, Slack messages by HTTP. Sends nothing on."""
