// A design around an accelerator, without a processor: the network is in a memory, from which a
// loader writes it through AXI4-Lite; then the streams of events are open.
`default_nettype none
`include "sizes.vh"

module soc (
    input  wire        clk,
    input  wire        resetn,
    // Event words to the accelerator, and from it.
    input  wire [31:0] in_word,
    input  wire        in_valid,
    output wire        in_ready,
    output wire [31:0] out_word,
    output wire        out_last,
    output wire        out_valid,
    input  wire        out_ready,
    // All was loaded; an access failed.
    output reg         loaded,
    output reg         failed
);

    // What to write: an offset in the window, and a word.
    reg [`WINDOW_BITS + 31:0] loads [0:`LOADS - 1];
    initial $readmemh("load.mem", loads);
    reg [`WINDOW_BITS + 31:0] load;
    reg [`LOAD_BITS - 1:0] number;

    localparam FETCH = 3'd0, OFFER = 3'd1, WRITE = 3'd2, READ = 3'd3, RUN = 3'd4;
    reg [2:0] state;
    reg awvalid, wvalid, arvalid;
    wire awready, wready, bvalid, arready, rvalid;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata;

    // One write after the other, whose address and word are taken in any order; then the register
    // ID is read, at offset 0.
    always @(posedge clk) begin
        if (awready) awvalid <= 1'b0;
        if (wready) wvalid <= 1'b0;
        if (arready) arvalid <= 1'b0;
        case (state)
            FETCH: begin
                load <= loads[number];
                state <= OFFER;
            end
            OFFER: begin
                {awvalid, wvalid} <= 2'b11;
                state <= WRITE;
            end
            WRITE: if (bvalid) begin
                failed <= failed || bresp != 2'b00;
                number <= number + 1'b1;
                state <= FETCH;
                if (number == `LOADS - 1) begin
                    arvalid <= 1'b1;
                    state <= READ;
                end
            end
            READ: if (rvalid) begin
                failed <= failed || rresp != 2'b00 || rdata != "SPKL";
                loaded <= 1'b1;
                state <= RUN;
            end
            default: ;
        endcase
        if (!resetn) begin
            state <= FETCH;
            number <= 0;
            {awvalid, wvalid, arvalid, loaded, failed} <= 5'b0;
        end
    end

    wire opened;
    assign in_ready = opened && loaded;

    spikeloom accelerator (
        .aclk(clk),
        .aresetn(resetn),
        .s_axi_awaddr(load[32 +: `WINDOW_BITS]),
        .s_axi_awprot(3'b000),
        .s_axi_awvalid(awvalid),
        .s_axi_awready(awready),
        .s_axi_wdata(load[31:0]),
        .s_axi_wstrb(4'b1111),
        .s_axi_wvalid(wvalid),
        .s_axi_wready(wready),
        .s_axi_bresp(bresp),
        .s_axi_bvalid(bvalid),
        .s_axi_bready(1'b1),
        .s_axi_araddr(`WINDOW_BITS'd0),
        .s_axi_arprot(3'b000),
        .s_axi_arvalid(arvalid),
        .s_axi_arready(arready),
        .s_axi_rdata(rdata),
        .s_axi_rresp(rresp),
        .s_axi_rvalid(rvalid),
        .s_axi_rready(1'b1),
        .s_axis_tdata(in_word),
        .s_axis_tvalid(in_valid && loaded),
        .s_axis_tready(opened),
        .m_axis_tdata(out_word),
        .m_axis_tlast(out_last),
        .m_axis_tvalid(out_valid),
        .m_axis_tready(out_ready)
    );

endmodule
