# smtp-sink, Postfix's own test server, which others measure with. Read by the scripts that measure.

# Sets $smtp_sink, or says why not.
find_smtp_sink() {
  smtp_sink=$(command -v smtp-sink || true)
  [ -z "$smtp_sink" ] || return 0
  local folder=$cache/postfix
  if [ ! -x "$folder/usr/sbin/smtp-sink" ] && has apt-get && has dpkg; then
    say 'Fetching smtp-sink (of the package postfix; nothing is installed)'
    mkdir -p "$folder"
    (cd "$folder" && apt-get -qq download postfix 2>/dev/null && dpkg -x postfix_*.deb . && rm postfix_*.deb) || true
  fi
  if [ -x "$folder/usr/sbin/smtp-sink" ]; then
    smtp_sink=$folder/usr/sbin/smtp-sink
    export LD_LIBRARY_PATH=$folder/usr/lib/postfix${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  else
    say 'Without smtp-sink: it could not be fetched (Debian and Ubuntu: the package postfix has it)'
  fi
}
