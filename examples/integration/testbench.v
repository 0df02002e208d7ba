// Give the design the event words of events.mem, and print what comes; both sides pause at random.
`timescale 1ns / 1ps
`default_nettype none
`include "sizes.vh"

module testbench;
    reg clk = 1'b0;
    always #5 clk = !clk;
    reg resetn = 1'b0;

    reg [31:0] events [0:`EVENTS - 1];
    initial $readmemh("events.mem", events);
    integer sent = 0, steps = 0;

    reg in_valid = 1'b0, out_ready = 1'b0;
    wire in_ready, out_last, out_valid, loaded, failed;
    wire [31:0] out_word;

    soc soc (
        .clk(clk),
        .resetn(resetn),
        .in_word(events[sent]),
        .in_valid(in_valid),
        .in_ready(in_ready),
        .out_word(out_word),
        .out_last(out_last),
        .out_valid(out_valid),
        .out_ready(out_ready),
        .loaded(loaded),
        .failed(failed)
    );

    always @(posedge clk) begin
        resetn <= $time > 100;
        out_ready <= $random;
        if (in_valid && in_ready) begin
            sent <= sent + 1;
            in_valid <= 1'b0;
        end else if (!in_valid && resetn && sent < `EVENTS) begin
            in_valid <= $random;
        end
        if (resetn && out_valid && out_ready) begin
            $display("word %h %b", out_word, out_last);
            if (out_last) steps <= steps + 1;
        end
        if (steps == `STEPS || $time > 10_000_000) begin
            $display("end %b %b", loaded, failed);
            $finish;
        end
    end
endmodule
