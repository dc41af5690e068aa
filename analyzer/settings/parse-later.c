/* Parsers of lists, for now by their text. */

#include "analyzer/settings/parse.h"

enum imm_parsed imm_parse_address_families(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_binds(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_blkio_weight(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_bpf_paths(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_bpf_program(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_bus_name(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_caps(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_colon_paths(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_commands(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_condition(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_condition_path(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_controllers(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_coredump_filter(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_cpu_quota(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_cpu_shares(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_cpu_weight(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_delegate(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_delegate_subgroup(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_devices(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_directories(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_env_files(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_environ(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_exit_statuses(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_filesystems(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_groups(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_images(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_import_credential(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_input_data(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_input_text(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_interfaces(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_ips(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_label(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_listen(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_load_credential(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_log_fields(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_log_namespace(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_log_patterns(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_memory(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_namespaces(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_nft_set(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_open_file(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_pass_environ(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_path(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_path_spec(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_path_words(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_paths(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_personality(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_pid_file(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_plain_string(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_pressure_limit(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_secure_bits(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_set_credential(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_slice(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_socket_binds(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_std_input(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_std_output(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_string(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_syscall_archs(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_syscall_errno(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_syscall_filter(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_syscall_log(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_tasks_max(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_tmpfs(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_units(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_unset_environ(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_user(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_weight(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_words(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_working_directory(struct imm_parse *p, const char *value) {
        (void)p;
        (void)value;
        return IMM_PARSED_TAKEN;
}
