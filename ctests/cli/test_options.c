/* The command line: what it sets, and what each mistake is told. */
#define _GNU_SOURCE
#include "cli/options.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "support/test.h"

enum { WORDS = 40 };

static rl_options o;
static rl_buf why;
static char words[1024], *argv[WORDS];

static int setup(void **state) {
  (void)state;
  rl_buf_init(&why, 4096);
  unsetenv("HOST");
  unsetenv("PORT");
  unsetenv("RILLE_THREADS");
  unsetenv("RILLE_TLS");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_options_free(&o);
  rl_buf_free(&why);
  return 0;
}

/* Splits a line at its spaces, the name of the program in front. The words live until the next call. */
static int parse(const char *line) {
  int argc = 0;
  argv[argc++] = (char *)(uintptr_t) "rille";
  snprintf(words, sizeof words, "%s", line);
  for (char *save, *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
    assert_in_range(argc, 1, WORDS - 2);
    argv[argc++] = word;
  }
  argv[argc] = NULL;
  rl_buf_clear(&why);
  rl_options_free(&o);
  return rl_options_parse(&o, argc, argv, &why);
}

static void takes_at(const char *line, int at) {
  if (parse(line) == 0) return;
  print_error("'%s': %.*s\n", line, (int)why.len, why.data);
  _fail(__FILE__, at);
}
#define TAKES(line) takes_at((line), __LINE__)

static void refuses_at(const char *line, const char *text, int at) {
  int code = parse(line);
  if (code == RL_EINVALID && rl_slice_eq(rl_buf_slice(&why), rl_slice_str(text))) return;
  print_error("'%s' (%d): '%.*s' != '%s'\n", line, code, (int)why.len, why.data ? why.data : "", text);
  _fail(__FILE__, at);
}
#define REFUSES(line, text) refuses_at((line), (text), __LINE__)

TEST(what_is_not_said_has_a_default) {
  UNUSED;
  TAKES("serve");
  assert_string_equal(o.command, "serve");
  assert_string_equal(o.app, "app");
  assert_false(o.app_given || o.supervise || o.json || o.threads_auto);
  assert_int_equal(o.host_count, 1);
  assert_string_equal(o.hosts[0], "127.0.0.1");
  assert_int_equal(o.port, 8080);
  assert_int_equal(o.threads, 1);
  assert_int_equal(o.memory_limit, 0);
  assert_true(o.shutdown_timeout == 30 && o.watchdog == 0);
  assert_int_equal(o.log, RL_LOG_TEXT);
  assert_null(o.unix_path);
  assert_int_equal(o.port_count, 1);
  assert_true(o.ports[0].role == RL_PORT_HTTP && o.ports[0].number == 8080);
}

TEST(each_option_of_serve) {
  UNUSED;
  TAKES(
      "serve site.lua --host a --host ::1 --port 0 --unix /run/x --threads 4 --log json --shutdown-timeout 0.5 "
      "--memory-limit 67108864 --watchdog 60 --supervise");
  assert_string_equal(o.app, "site.lua");
  assert_true(o.app_given && o.supervise);
  assert_int_equal(o.host_count, 2);
  assert_string_equal(o.hosts[1], "::1");
  assert_int_equal(o.port, 0);
  assert_string_equal(o.unix_path, "/run/x");
  assert_int_equal(o.threads, 4);
  assert_int_equal(o.log, RL_LOG_JSON);
  assert_true(o.shutdown_timeout == 0.5 && o.watchdog == 60);
  assert_int_equal(o.memory_limit, 64 << 20);
}

TEST(a_value_stands_after_a_space_or_an_equals_sign) {
  UNUSED;
  TAKES("serve --port=81 --log=off --unix=a=b");
  assert_int_equal(o.port, 81);
  assert_int_equal(o.log, RL_LOG_OFF);
  assert_string_equal(o.unix_path, "a=b");
  REFUSES("serve --unix=", "--unix: expected a path, got ''");
  REFUSES("serve --supervise=yes", "--supervise: expected no value, got 'yes'");
}

TEST(threads_may_be_as_many_as_there_are_cores) {
  UNUSED;
  TAKES("serve --threads auto");
  assert_true(o.threads_auto);
  assert_int_equal(o.threads, sysconf(_SC_NPROCESSORS_ONLN));
  TAKES("serve --threads auto --threads 2"); /* the last one counts */
  assert_false(o.threads_auto);
  assert_int_equal(o.threads, 2);
}

TEST(a_host_may_stand_in_brackets_and_has_no_port) {
  UNUSED;
  TAKES("serve --host [::1] --host [fe80::1%eth0]");
  assert_string_equal(o.hosts[0], "::1");
  assert_string_equal(o.hosts[1], "fe80::1%eth0");
  static const char *const bad[] = {"[::1]:80", "localhost:80", "[::1", "[]", "127.0.0.1:8080"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char line[64], text[128];
    snprintf(line, sizeof line, "serve --host %s", bad[i]);
    snprintf(text, sizeof text, "--host: expected a name or an address, without a port (--port), got '%s'", bad[i]);
    REFUSES(line, text);
  }
}

TEST(there_are_at_most_eight_addresses_and_long_ones_do_not_overflow) {
  UNUSED;
  char line[512] = "serve";
  for (int i = 0; i < RL_OPTION_HOSTS; i++) strcat(line, " --host [::1]");
  TAKES(line);
  assert_int_equal(o.host_count, 8);
  strcat(line, " --host x");
  REFUSES(line, "--host: expected at most 8 addresses, got 'x'");
  memset(line, 'a', sizeof line);
  memcpy(line, "serve --host [", 14);
  line[14 + RL_OPTION_HOST - 1] = ']';
  line[14 + RL_OPTION_HOST] = 0;
  TAKES(line); /* the longest that fits, with its NUL */
  assert_int_equal(strlen(o.hosts[0]), RL_OPTION_HOST - 1);
  line[14 + RL_OPTION_HOST - 1] = 'a';
  line[14 + RL_OPTION_HOST] = ']';
  line[14 + RL_OPTION_HOST + 1] = 0;
  assert_int_equal(parse(line), RL_EINVALID);
}

TEST(values_out_of_bounds) {
  UNUSED;
  REFUSES("serve --port 65536", "--port: expected a port from 0 to 65535, got '65536'");
  REFUSES("serve --port -1", "--port: expected a port from 0 to 65535, got '-1'");
  REFUSES("serve --port 80x", "--port: expected a port from 0 to 65535, got '80x'");
  REFUSES("serve --port 18446744073709551617", "--port: expected a port from 0 to 65535, got '18446744073709551617'");
  REFUSES("serve --threads 0", "--threads: expected a number from 1 to 1024, or auto, got '0'");
  REFUSES("serve --threads 1025", "--threads: expected a number from 1 to 1024, or auto, got '1025'");
  REFUSES("serve --log xml", "--log: expected text, json or off, got 'xml'");
  REFUSES("serve --memory-limit 64M",
          "--memory-limit: expected bytes, at least 1048576 (64 MiB are 67108864), got '64M'");
  REFUSES("serve --memory-limit 1048575",
          "--memory-limit: expected bytes, at least 1048576 (64 MiB are 67108864), got '1048575'");
  static const char *const seconds[] = {"-1", "nan", "1e9", "inf", "5s", "0x"};
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
    char line[64], text[128];
    snprintf(line, sizeof line, "serve --watchdog %s", seconds[i]);
    snprintf(text, sizeof text, "--watchdog: expected seconds, such as 30 or 0.5, got '%s'", seconds[i]);
    REFUSES(line, text);
  }
}

TEST(a_value_that_is_missing) {
  UNUSED;
  REFUSES("serve --port", "--port needs a value");
  REFUSES("serve --port --log json", "--port needs a value, got the option --log");
}

TEST(hosts_that_may_see_pages_of_development) {
  UNUSED;
  TAKES("dev --allow-host blog.test --allow-host .example.org");
  assert_int_equal(o.allowed_count, 2);
  assert_string_equal(o.allowed[1], ".example.org");
  static const char *const bad[] = {"blog.test:80", "http://blog.test", "a@b", "*.test", "."};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char line[64], text[128];
    snprintf(line, sizeof line, "dev --allow-host %s", bad[i]);
    snprintf(text, sizeof text, "--allow-host: expected a name such as blog.test, without a port, got '%s'", bad[i]);
    REFUSES(line, text);
  }
  char line[1024] = "dev";
  for (int i = 0; i < RL_OPTION_ALLOWED; i++) strcat(line, " --allow-host=a");
  TAKES(line);
  strcat(line, " --allow-host=a");
  assert_int_equal(parse(line), RL_EINVALID);
}

TEST(an_option_of_another_command) {
  UNUSED;
  REFUSES("serve --allow-host a", "--allow-host is for rille dev: rille serve has no development pages");
  REFUSES("dev --threads 2",
          "rille dev has one worker and takes --host, --port, --memory-limit, --https and --allow-host, not --threads");
  REFUSES("doctor --log json", "rille doctor takes --host, --port and --json, not --log");
  REFUSES("routes --port 1", "rille routes takes no options, got '--port'");
  REFUSES("version --quiet", "rille version takes no options, got '--quiet'");
}

TEST(an_option_that_is_none) {
  UNUSED;
  REFUSES("serve --prot 1", "unknown option --prot, did you mean --port? See: rille help serve");
  REFUSES("serve -p 1", "unknown option -p, did you mean --port? See: rille help serve");
  REFUSES("serve --workers=2", "unknown option --workers, did you mean --threads? See: rille help serve");
  REFUSES("dev --workers=2", "unknown option --workers, see: rille help dev");
  REFUSES("serve --zzzzz", "unknown option --zzzzz, see: rille help serve");
  REFUSES("serve --cert x", "unknown option --cert: --tls CERT.pem,KEY.pem serves https");
}

/* ---- TLS and ports ------------------------------------------------------------------------------------------------------------- */

/* Compares the ports that a line opens: "s8443 h8080". */
static void opens_at(const char *line, const char *wanted, int at) {
  char got[64] = "";
  takes_at(line, at);
  for (int i = 0; i < o.port_count; i++)
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%c%d", i ? " " : "", o.ports[i].role, o.ports[i].number);
  if (strcmp(got, wanted) == 0) return;
  print_error("'%s': '%s' != '%s'\n", line, got, wanted);
  _fail(__FILE__, at);
}
#define OPENS(line, wanted) opens_at((line), (wanted), __LINE__)

TEST(ports_and_what_is_spoken_there) {
  UNUSED;
  OPENS("serve --port 81", "h81");
  OPENS("serve --tls c,k", "s8443");
  OPENS("serve --tls c,k --port 81", "s81");
  OPENS("serve --tls c,k --tls-port 444", "s444");
  OPENS("serve --tls c,k --tls-port 444 --port 81", "s444 h81");
  OPENS("serve --tls c,k --redirect-https", "s8443 h8080");
  OPENS("serve --tls c,k --redirect-https --port 81", "s8443 h81");
  OPENS("serve --acme a.example --acme-dir d --port 80 --tls-port 443", "s443 h80");
  OPENS("serve --acme a.example --acme-dir d", "s8443 h8080");
  OPENS("serve --h2c", "h8080");
  OPENS("serve --h2c-port 82", "h8080 c82");
  OPENS("serve --tls c,k --h2c-port 0 --port 0 --tls-port 0", "s0 h0 c0");
  OPENS(
      "serve --tls c,k --tls-port 8443 --tls-port 8081,http/1.1 --tls-port 1,h2 --tls-port 2,h2,http/1.1 --port 80 "
      "--h2c-port 82",
      "s8443 18081 21 s2 h80 c82");
  OPENS("serve --unix /run/x", "h8080");
  OPENS("serve --unix /run/x --tls c,k", "s8443");
  setenv("PORT", "3000", 1);
  OPENS("serve --tls c,k", "s3000");
}

TEST(pairs_of_certificate_and_key) {
  UNUSED;
  TAKES("serve --tls a/c.pem,a/k.pem --tls both.pem");
  assert_int_equal(o.tls.pair_count, 2);
  assert_string_equal(o.tls.pairs[0].certificate, "a/c.pem");
  assert_string_equal(o.tls.pairs[0].key, "a/k.pem");
  assert_string_equal(o.tls.pairs[1].certificate, "both.pem");
  assert_null(o.tls.pairs[1].key);
  static const char *const bad[] = {",", "a,", ",b", "a,b,c", "a,,b"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char line[64], text[128];
    snprintf(line, sizeof line, "serve --tls %s", bad[i]);
    snprintf(text, sizeof text, "--tls: expected CERT.pem,KEY.pem, or one PEM file that holds both, got '%s'", bad[i]);
    REFUSES(line, text);
  }
  char line[1024] = "serve";
  for (int i = 0; i < RL_OPTION_PAIRS; i++) strcat(line, " --tls=a,b");
  TAKES(line);
  setenv("RILLE_TLS", "c,k", 1);
  TAKES("serve");
  assert_string_equal(o.tls.pairs[0].key, "k");
  TAKES("serve --tls x,y");
  assert_int_equal(o.tls.pair_count, 1);
  assert_string_equal(o.tls.pairs[0].key, "y");
  TAKES("dev");
  assert_int_equal(o.tls.pair_count, 0);
  setenv("RILLE_TLS", "c,", 1);
  REFUSES("serve",
          "RILLE_TLS in the environment: expected CERT.pem,KEY.pem, or one PEM file that holds both, got 'c,'");
}

TEST(options_of_tls_that_mean_nothing_alone) {
  UNUSED;
  REFUSES("serve --tls-port 1", "--tls-port needs a certificate: --tls CERT.pem,KEY.pem or --acme NAME");
  REFUSES("serve --redirect-https", "--redirect-https needs a certificate: --tls CERT.pem,KEY.pem or --acme NAME");
  REFUSES("serve --client-ca f", "--client-ca needs a certificate: --tls CERT.pem,KEY.pem or --acme NAME");
  REFUSES("serve --tls-min 1.3", "--tls-min needs a certificate: --tls CERT.pem,KEY.pem or --acme NAME");
  REFUSES("serve --acme a", "--acme needs --acme-dir DIR, where the account and the certificates are kept");
  REFUSES("serve --acme-dir d", "--acme-email, --acme-dir, --acme-server and --acme-ca belong to --acme NAME");
  REFUSES("serve --tls c,k --h2c",
          "--h2c is for a port without TLS, which --port beside --tls-port opens; --h2c-port opens another");
  REFUSES("serve --tls c,k --redirect-https --port 80 --tls-port 80", "--port, --tls-port and --h2c-port must differ");
  REFUSES("serve --h2c-port 8080", "--port, --tls-port and --h2c-port must differ");
  REFUSES("serve --unix /x --tls c,k --redirect-https",
          "--unix is one socket: --redirect-https, --acme, --tls-port and --h2c-port need ports");
}

TEST(values_of_tls) {
  UNUSED;
  TAKES("serve --tls c,k --tls-min 1.2 --tls-min 1.3 --client-ca ca.pem");
  assert_true(o.tls.only_1_3);
  assert_string_equal(o.tls.client_ca, "ca.pem");
  REFUSES("serve --tls c,k --tls-min 1.1", "--tls-min: expected 1.2 or 1.3, got '1.1'");
  REFUSES("serve --tls-port x",
          "--tls-port: expected a port from 0 to 65535, or one with its protocol: 8443,http/1.1 or 8443,h2, got 'x'");
  static const char *const bad[] = {"", "1,", ",h2", "1,h3", "1,http/1.1,h2", "65536,h2"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_non_null(rl_tls_options_add_port(&o.tls, bad[i]));
  REFUSES("serve --h2c-port x", "--h2c-port: expected a port from 0 to 65535, got 'x'");
  REFUSES("serve --acme *.example",
          "--acme: expected names with commas between: example.org,www.example.org, got '*.example'");
  REFUSES("serve --acme a,,b", "--acme: expected names with commas between: example.org,www.example.org, got 'a,,b'");
  REFUSES("serve --acme-email x", "--acme-email: expected an address such as ada@example.org, got 'x'");
  REFUSES("serve --acme-server http://x", "--acme-server: expected the URL of a directory, https://…, got 'http://x'");
}

TEST(a_name_without_end_is_cut_off) {
  UNUSED;
  char line[200] = "serve --";
  memset(line + 8, 'x', 150);
  assert_int_equal(parse(line), RL_EINVALID);
  assert_in_range(why.len, 60, 120);
}

TEST(arguments_that_nothing_takes) {
  UNUSED;
  REFUSES("serve app.lua 8080", "unexpected argument '8080', did you mean --port 8080?");
  REFUSES("routes app.lua 8080", "unexpected argument '8080': rille routes takes one APP, which is 'app.lua'");
  REFUSES("version now", "unexpected argument 'now', see: rille help version");
}

TEST(dashes_that_an_editor_has_made_long) {
  UNUSED;
  REFUSES("serve \xE2\x80\x93port 1", "'\xE2\x80\x93port' begins with a long dash, write: --port");
  REFUSES("serve \xE2\x80\x94port", "'\xE2\x80\x94port' begins with a long dash, write: --port");
  REFUSES("\xE2\x88\x92-version", "'\xE2\x88\x92-version' begins with a long dash, write: --version");
  TAKES("serve \xE2\x80\x94"); /* nothing but dashes: a name as good as any */
}

TEST(commands_and_their_other_names) {
  UNUSED;
  TAKES("");
  assert_string_equal(o.command, "help");
  TAKES("-V");
  assert_string_equal(o.command, "version");
  TAKES("--help");
  assert_string_equal(o.command, "help");
  REFUSES("serv", "unknown command 'serv', did you mean 'serve'? See: rille help");
  REFUSES("start", "unknown command 'start', did you mean 'serve'? See: rille help");
  REFUSES("qqqqqqqq", "unknown command 'qqqqqqqq', see: rille help");
  REFUSES("/dev/null",
          "unknown command '/dev/null': rille serve /dev/null serves an app, rille run /dev/null runs a script");
  REFUSES("--port", "a command was expected before '--port', such as: rille serve --port, see: rille help");
}

TEST(help_of_a_command) {
  UNUSED;
  static const char *const lines[] = {"serve --help", "serve app.lua -h", "new --help", "run --help", "migrate db -h"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    TAKES(lines[i]);
    assert_string_equal(o.command, "help");
    assert_int_equal(o.argc, 1);
    assert_memory_equal(o.argv[0], lines[i], strlen(o.argv[0]));
  }
  TAKES("run x.lua --help"); /* of the script */
  assert_string_equal(o.command, "run");
  TAKES("test --help"); /* of busted */
  assert_string_equal(o.command, "test");
}

TEST(a_commands_own_words_are_left_to_it) {
  UNUSED;
  TAKES("run x.lua --port nowhere -- a");
  assert_int_equal(o.argc, 5);
  assert_string_equal(o.argv[0], "x.lua");
  assert_string_equal(o.argv[4], "a");
  TAKES("run");
  assert_int_equal(o.argc, 0);
}

TEST(the_environment_has_defaults_that_options_replace) {
  UNUSED;
  setenv("HOST", "[::]", 1);
  setenv("PORT", "3000", 1);
  setenv("RILLE_THREADS", "auto", 1);
  TAKES("serve");
  assert_string_equal(o.hosts[0], "::");
  assert_int_equal(o.port, 3000);
  assert_true(o.threads_auto);
  TAKES("serve --host a --port 1 --threads 1");
  assert_int_equal(o.host_count, 1);
  assert_string_equal(o.hosts[0], "a");
  assert_int_equal(o.port, 1);
  assert_false(o.threads_auto);
}

TEST(an_environment_that_is_wrong_is_told_by_name) {
  UNUSED;
  setenv("PORT", "http", 1);
  REFUSES("serve", "PORT in the environment: expected a port from 0 to 65535, got 'http'");
  setenv("PORT", "", 1);
  setenv("RILLE_THREADS", "many", 1);
  REFUSES("serve", "RILLE_THREADS in the environment: expected a number from 1 to 1024, or auto, got 'many'");
  setenv("RILLE_THREADS", "", 1);
  setenv("HOST", "a:80", 1);
  REFUSES("serve", "HOST in the environment: expected a name or an address, without a port (--port), got 'a:80'");
  setenv("HOST", "", 1);
  TAKES("serve");
  assert_string_equal(o.hosts[0], "127.0.0.1");
}

TEST(the_app_is_what_the_working_directory_has) {
  UNUSED;
  char folder[] = "/tmp/rille-test-options-XXXXXX", before[4096];
  assert_non_null(getcwd(before, sizeof before));
  assert_non_null(mkdtemp(folder));
  assert_int_equal(chdir(folder), 0);
  TAKES("serve");
  assert_string_equal(o.app, "app"); /* so that the command can say what it looked for */
  fclose(fopen("app.lua", "w"));
  TAKES("serve");
  assert_string_equal(o.app, "app.lua");
  unlink("app.lua");
  assert_int_equal(chdir(before), 0);
  rmdir(folder);
}

TEST(options_of_a_command_in_order) {
  UNUSED;
  const rl_command *doctor = rl_command_find("doctor");
  assert_string_equal(rl_options_of(doctor, 0), "--host");
  assert_string_equal(rl_options_of(doctor, 2), "--json");
  assert_null(rl_options_of(doctor, 3));
  assert_null(rl_options_of(rl_command_find("version"), 0));
}

TEST(whose_root_is_the_folder_of_its_app) {
  UNUSED;
  assert_true(rl_options_takes_app("serve"));
  assert_true(rl_options_takes_app("doctor"));
  assert_false(rl_options_takes_app("console")); /* takes one, and stays in the working directory */
  assert_false(rl_options_takes_app("run"));
  assert_false(rl_options_takes_app("nonsense"));
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(what_is_not_said_has_a_default),
      EACH(each_option_of_serve),
      EACH(a_value_stands_after_a_space_or_an_equals_sign),
      EACH(threads_may_be_as_many_as_there_are_cores),
      EACH(a_host_may_stand_in_brackets_and_has_no_port),
      EACH(there_are_at_most_eight_addresses_and_long_ones_do_not_overflow),
      EACH(values_out_of_bounds),
      EACH(a_value_that_is_missing),
      EACH(hosts_that_may_see_pages_of_development),
      EACH(an_option_of_another_command),
      EACH(an_option_that_is_none),
      EACH(ports_and_what_is_spoken_there),
      EACH(pairs_of_certificate_and_key),
      EACH(options_of_tls_that_mean_nothing_alone),
      EACH(values_of_tls),
      EACH(a_name_without_end_is_cut_off),
      EACH(arguments_that_nothing_takes),
      EACH(dashes_that_an_editor_has_made_long),
      EACH(commands_and_their_other_names),
      EACH(help_of_a_command),
      EACH(a_commands_own_words_are_left_to_it),
      EACH(the_environment_has_defaults_that_options_replace),
      EACH(an_environment_that_is_wrong_is_told_by_name),
      EACH(the_app_is_what_the_working_directory_has),
      EACH(options_of_a_command_in_order),
      EACH(whose_root_is_the_folder_of_its_app),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
